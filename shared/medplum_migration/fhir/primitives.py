"""Primitive values of FHIR R4: what each type may hold (https://hl7.org/fhir/R4/datatypes.html)."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from medplum_migration.fhir.narrative import is_active

Check: TypeAlias = Callable[[object], str]
"""Returns what is wrong, without the value; empty when nothing is."""

UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_DATE = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)"
DATE = re.compile(_DATE)
INSTANT = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}{_ZONE}")
_TIME = re.compile(_CLOCK)
_CODE = re.compile(r"\S+( \S+)*")
_URI = re.compile(r"\S+")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def instant(text: str) -> datetime:
    """Read an instant to the microsecond."""
    digits = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text)
    return datetime.fromisoformat(digits)


def _string(value: object) -> str:
    if not isinstance(value, str):
        return "a string is expected"
    if not value or value.isspace():
        return "a blank string"
    return "a control character or half a surrogate pair" if UNFIT.search(value) else ""


def _pattern(pattern: re.Pattern[str], what: str) -> Check:
    def check(value: object) -> str:
        return _string(value) or ("" if pattern.fullmatch(str(value)) else f"not {what}")

    return check


def _is_day(text: str) -> bool:
    parts = [int(part) for part in text.split("-")]
    try:
        date(*[*parts, 1, 1][:3])
    except ValueError:
        return False
    return True


def _date(value: object) -> str:
    wrong = _string(value)
    if wrong or not DATE.fullmatch(str(value)):
        return wrong or "not a date"
    return "" if _is_day(str(value)) else "not a calendar day"


def _date_time(value: object) -> str:
    return _date(value) if "T" not in str(value) else _instant(value)


def _instant(value: object) -> str:
    wrong = _string(value)
    if wrong or not INSTANT.fullmatch(str(value)):
        return wrong or "not a time with seconds and zone"
    return "" if _is_day(str(value)[:10]) else "not a calendar day"


def _boolean(value: object) -> str:
    return "" if isinstance(value, bool) else "a boolean is expected"


def _whole(lowest: int) -> Check:
    def check(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int):
            return "a whole number is expected"
        return "" if lowest <= value < 2**31 else "out of range"

    return check


def _decimal(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return "a number is expected"
    number = Decimal(str(value))
    if not number.is_finite():
        return "not a finite number"
    return "" if Decimal(repr(float(number))) == number else "more digits than a double holds"


def _base64(value: object) -> str:
    wrong = _string(value)
    if wrong:
        return wrong
    try:
        base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        return "not base64"
    return ""


def _xhtml(value: object) -> str:
    return _string(value) or ("active content" if is_active(str(value)) else "")


CHECKS: dict[str, Check] = {
    "string": _string,
    "markdown": _string,
    "code": _pattern(_CODE, "a code"),
    "uri": _pattern(_URI, "a uri"),
    "url": _pattern(_URI, "a url"),
    "canonical": _pattern(_URI, "a canonical"),
    "id": _pattern(_ID, "an id"),
    "oid": _pattern(_OID, "an oid"),
    "uuid": _pattern(_UUID, "a uuid"),
    "date": _date,
    "dateTime": _date_time,
    "instant": _instant,
    "time": _pattern(_TIME, "a time with seconds"),
    "boolean": _boolean,
    "integer": _whole(-(2**31)),
    "positiveInt": _whole(1),
    "unsignedInt": _whole(0),
    "decimal": _decimal,
    "base64Binary": _base64,
    "xhtml": _xhtml,
}
