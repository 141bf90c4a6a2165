"""What orders, reports and results of the laboratory share: test codes, diagnoses and times."""

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from data_elements.clinic import CLINIC_TZ, LEGACY
from medplum_migration.mapping.field import Unmappable, refuse
from medplum_migration.mapping.transforms import local_time

LOINC = "http://loinc.org"
TEST = f"{LEGACY}/laboratory-test"
"""Codes of tests, the clinic's own or the laboratory's."""

LABORATORY_TEST = "laboratory_test"
"""What `procedure_order_type` says of an order to the laboratory."""

_LOINC = re.compile(r"(\d{1,5})-(\d)", re.ASCII)
_CODE = re.compile(r"\S+( \S+)*")
_OFFSET = re.compile(r"([+-])(0\d|1[0-4])([0-5]\d)", re.ASCII)
_DIAGNOSIS = re.compile(r"([A-Z0-9-]+):(\S+)", re.ASCII)
_DIAGNOSES = {
    "ICD10": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD9": "http://hl7.org/fhir/sid/icd-9-cm",
    "SNOMED-CT": "http://snomed.info/sct",
}
_LOCAL = local_time(CLINIC_TZ)


def is_loinc(code: str) -> bool:
    """Tell whether a code has LOINC's form and its check digit (Luhn's)."""
    found = _LOINC.fullmatch(code)
    if found is None:
        return False
    digits = [int(digit) for digit in reversed(found[1])]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[::2]]
    return (sum(digits[1::2]) + sum(doubled) + int(found[2])) % 10 == 0


def coded(code: str | None, name: str | None) -> dict[str, Any]:
    """Make the concept of a test: LOINC where the code is one, the code as it is, the name."""
    concept: dict[str, Any] = {}
    if code is not None and _CODE.fullmatch(code):
        systems = [LOINC, TEST] if is_loinc(code) else [TEST]
        concept["coding"] = [{"system": system, "code": code} for system in systems]
    text = name or code
    return concept | {"text": text}


def diagnoses(*columns: str | None) -> list[dict[str, Any]]:
    """Make a concept of each diagnosis in texts such as `ICD10:E11.9;ICD10:I10`, once."""
    parts = [part.strip() for text in columns if text for part in text.split(";")]
    return [_diagnosis(part) for part in dict.fromkeys(parts) if part]


def _diagnosis(part: str) -> dict[str, Any]:
    found = _DIAGNOSIS.fullmatch(part)
    system = _DIAGNOSES.get(found[1]) if found else None
    if found is None or system is None:
        return {"text": part}
    return {"coding": [{"system": system, "code": found[2]}], "text": part}


def instant(value: datetime | None, offset: str | None, *, column: str) -> str | None:
    """Give the time with the offset that the laboratory stated, or else as the clinic's."""
    if value is None:
        return None
    if offset is None:
        try:
            return str(_LOCAL.to(value))
        except Unmappable as found:
            refuse(found.why, column=column)
    stated = _OFFSET.fullmatch(offset)
    if stated is None:
        refuse("the offset is not written as +hhmm", column=f"{column}_tz")
    ahead = timedelta(hours=int(stated[2]), minutes=int(stated[3]))
    zone = timezone(ahead if stated[1] == "+" else -ahead)
    return value.replace(tzinfo=zone).isoformat(
        timespec="microseconds" if value.microsecond else "seconds"
    )


def laboratory_only(order_type: str) -> None:
    """Refuse what was ordered elsewhere: it is no laboratory report and no laboratory result."""
    if order_type != LABORATORY_TEST:
        refuse("ordered as something else than a laboratory test", column="procedure_order_type")
