"""Column types of row models: what drivers hand over, as text, numbers, days and local times.

Missing is None, whatever the legacy store writes for it: NULL, a blank string, a zero date.
`WrittenWhenMissing` says what the way back writes. Nothing else is coerced.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, LiteralString, NoReturn, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

REFUSED = "column"
"""The error type of what this module refuses; its message never quotes the value."""

_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d):(\d\d)(?:\.0+)?", re.ASCII)
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,16}(\.\d{1,16})?", re.ASCII)
_ZERO = re.compile(r"0000-00-00([ T]00:00:00(\.0+)?)?", re.ASCII)


class LegacyRow(BaseModel):
    """Base of row models: the columns a mapping reads; errors never show input."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="ignore")


@dataclass(frozen=True, slots=True)
class WrittenWhenMissing:
    """Marks a column whose missing value is stored as something else than NULL."""

    value: object


def _refuse(why: LiteralString) -> NoReturn:
    raise PydanticCustomError(REFUSED, why) from None


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        _refuse("not text")
    if _UNFIT.search(value):
        _refuse("holds a control character")
    return value if value and not value.isspace() else None


def _day(value: object) -> date | None:
    if value is None or (isinstance(value, str) and (not value or _ZERO.fullmatch(value))):
        return None
    if isinstance(value, str) and (found := _DAY.fullmatch(value)):
        try:
            return date(*map(int, found.groups()))
        except ValueError:
            _refuse("not a calendar day")
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    _refuse("not a day")


def _local_time(value: object) -> datetime | None:
    if value is None or (isinstance(value, str) and (not value or _ZERO.fullmatch(value))):
        return None
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            _refuse("not a calendar time")
    if isinstance(value, datetime) and value.tzinfo is None:
        return value
    _refuse("not a local time")


def _clock_time(value: object) -> time | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and (found := _CLOCK.fullmatch(value)):
        try:
            return time(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            _refuse("not a time of day")
    if isinstance(value, time) and value.tzinfo is None:
        return value
    _refuse("not a time of day")


def _whole(value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    _refuse("not a whole number")


def _link(value: object) -> int | None:
    return _whole(value) or None


def _amount(value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    if isinstance(value, float):
        value = repr(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if (
        isinstance(value, int | Decimal)
        and not isinstance(value, bool)
        and Decimal(value).is_finite()
    ):
        return Decimal(value)
    _refuse("not a decimal number")


def _measured(value: object) -> Decimal | None:
    return _amount(value) or None


def _flag(value: object) -> bool | None:
    if value is None or value == "":
        return None
    found = {"0": False, "1": True, "False": False, "True": True}.get(str(value))
    if found is None:
        _refuse("neither 0 nor 1")
    return found


def _rows(value: object) -> object:
    return value or None


Text: TypeAlias = Annotated[str | None, BeforeValidator(_text), WrittenWhenMissing("")]
"""`NOT NULL DEFAULT ''`: a blank is missing, and missing is written as ''."""

NullableText: TypeAlias = Annotated[str | None, BeforeValidator(_text)]
"""Text that may be NULL: a blank is missing, and missing is written as NULL."""

Day: TypeAlias = Annotated[date | None, BeforeValidator(_day)]
"""A `date`, as date or ISO string; a zero date is missing."""

LocalTime: TypeAlias = Annotated[datetime | None, BeforeValidator(_local_time)]
"""A `datetime` without zone, as datetime or ISO string; a zero date is missing."""


ClockTime: TypeAlias = Annotated[time | None, BeforeValidator(_clock_time)]
"""A time of day, as time or `HH:MM:SS`."""

Whole: TypeAlias = Annotated[int | None, BeforeValidator(_whole)]
"""A whole number, also as text."""

Link: TypeAlias = Annotated[int | None, BeforeValidator(_link), WrittenWhenMissing(0)]
"""The number of a row elsewhere: 0 is missing, and missing is written as 0."""

NullableLink: TypeAlias = Annotated[int | None, BeforeValidator(_link)]
"""The number of a row elsewhere: 0 is missing, and missing is written as NULL."""

TextLink: TypeAlias = Annotated[int | None, BeforeValidator(_link), WrittenWhenMissing("")]
"""The number of a row elsewhere in a text column: missing is written as ''."""

Amount: TypeAlias = Annotated[Decimal | None, BeforeValidator(_amount)]
"""A decimal number with its digits, also as text."""

Measured: TypeAlias = Annotated[Decimal | None, BeforeValidator(_measured), WrittenWhenMissing(0)]
"""A decimal number where 0 means "not measured"."""

Flag: TypeAlias = Annotated[bool | None, BeforeValidator(_flag)]
"""0 or 1."""

RowT = TypeVar("RowT", bound=LegacyRow)
Rows: TypeAlias = Annotated[tuple[RowT, ...] | None, BeforeValidator(_rows)]
"""The rows of `Children`, `Rows[MemberRow]`: none are missing."""


def written_when_missing(row: type[BaseModel], column: str) -> Any:  # noqa: ANN401 because of SQL
    """Tell what a column stores for a missing value."""
    info = row.model_fields.get(column)
    marks = [m for m in (info.metadata if info else ()) if isinstance(m, WrittenWhenMissing)]
    return marks[0].value if marks else None
