"""What all elements share: identifier systems, code systems, column types and transforms.

Every column is text, and '' is missing. Times end in `Z`; where a column holds days, they are local
days and stay days. Codes are not labelled: the column tells the code system.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from medplum_migration.mapping.columns import REFUSED, Day, Text
from medplum_migration.mapping.field import refuse

LEGACY = "https://synthea.example/fhir"
"""Base of the systems that only this source uses."""
ONE_WAY = "Synthea is no application that anyone writes back to"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"

SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
CVX = "http://hl7.org/fhir/sid/cvx"
UCUM = "http://unitsofmeasure.org"

_CODE = re.compile(r"\S+( \S+)*")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def id_system(table: str) -> str:
    """Name the identifier system of a table's keys."""
    return f"{LEGACY}/id/{table}"


def _needed(value: object) -> object:
    if value is None:
        raise PydanticCustomError(REFUSED, "missing, but the record needs it")
    return value


def _instant(value: str | None) -> str | None:
    if value is None:
        return None
    if not _INSTANT.fullmatch(value):
        raise PydanticCustomError(REFUSED, "no time of the form YYYY-MM-DDThh:mm:ssZ")
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError(REFUSED, "not a calendar time") from None
    return value


Needed: TypeAlias = Annotated[Text, AfterValidator(_needed)]
"""Text without which a record is none: a key, or what FHIR demands."""

NeededDay: TypeAlias = Annotated[Day, AfterValidator(_needed)]
"""A day without which a record is none."""

Instant: TypeAlias = Annotated[Text, AfterValidator(_instant)]
"""A time in UTC, as FHIR writes it."""

NeededInstant: TypeAlias = Annotated[Instant, AfterValidator(_needed)]
"""A time without which a record is none."""


def concept(system: str, code: str, display: str = "") -> dict[str, Any]:
    """Make a CodeableConcept of a code that we wrote ourselves."""
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]}


def coded(system: str) -> Callable[[str | None, str | None], dict[str, Any]]:
    """Map a code column and a description column to a CodeableConcept."""

    def to(code: str | None, description: str | None) -> dict[str, Any]:
        if code is None:
            refuse("a description without a code")
        return coding(system, code, description)

    return to


def coding(system: str, code: str, description: str | None) -> dict[str, Any]:
    """Make a CodeableConcept of a legacy code and its description."""
    if not _CODE.fullmatch(code):
        refuse("a code with blanks where FHIR allows none")
    made = concept(system, code, description or "")
    return made | ({"text": description} if description else {})


def several(
    to: Callable[[str | None, str | None], dict[str, Any]],
) -> Callable[[str | None, str | None], list[dict[str, Any]]]:
    """Map to a list that holds the one concept."""
    return lambda code, description: [to(code, description)]


def quantity(value: Decimal, unit: str | None) -> dict[str, Any]:
    """Make a Quantity; Synthea's units are UCUM codes, of which `{braces}` are a part."""
    return {"value": value} | ({"unit": unit, "system": UCUM, "code": unit} if unit else {})


def period(start: str | date, stop: str | date | None) -> dict[str, str]:
    """Make a Period of two days, or of two times in UTC, which compare as texts."""
    ends = {"start": str(start)} | ({} if stop is None else {"end": str(stop)})
    if ends.get("end", ends["start"]) < ends["start"]:
        refuse("ends before it begins", column="STOP")
    return ends


def address(
    line: str | None, city: str | None, state: str | None, postal_code: str | None
) -> dict[str, Any]:
    """Make an Address."""
    parts = {"city": city, "state": state, "postalCode": postal_code}
    kept: dict[str, Any] = {name: part for name, part in parts.items() if part is not None}
    return ({"line": [line]} if line else {}) | kept


def addresses(*parts: str | None) -> list[dict[str, Any]]:
    """Make a list that holds the one address."""
    return [address(*parts)]


def phone(number: str) -> list[dict[str, str]]:
    """Make a telecom list of one phone number."""
    return [{"system": "phone", "value": number}]
