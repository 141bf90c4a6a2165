"""Allergies: `allergies.csv` to AllergyIntolerance; the one file that names its code systems."""

from datetime import date
from typing import Any

from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.patients import patients
from examples.synthea.elements.synthea import (
    ONE_WAY,
    RXNORM,
    SNOMED,
    TERMINOLOGY,
    US_CORE,
    Needed,
    NeededDay,
    coding,
    concept,
    id_system,
)
from medplum_migration.mapping.columns import Day, LegacyRow, Text
from medplum_migration.mapping.field import Constant, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference

_SYSTEMS = {"SNOMED-CT": SNOMED, "RxNorm": RXNORM}
_TYPES = ("allergy", "intolerance")
_CATEGORIES = ("food", "medication", "environment", "biologic")
_SEVERITIES = {"MILD": "mild", "MODERATE": "moderate", "SEVERE": "severe"}


class AllergyRow(LegacyRow):
    """The columns that are read."""

    rownum: int
    START: NeededDay
    STOP: Day
    PATIENT: Needed
    ENCOUNTER: Text
    CODE: Needed
    SYSTEM: Needed
    DESCRIPTION: Text
    TYPE: Text
    CATEGORY: Text
    REACTION1: Text
    DESCRIPTION1: Text
    SEVERITY1: Text
    REACTION2: Text
    DESCRIPTION2: Text
    SEVERITY2: Text


def _course(start: date, stop: date | None) -> tuple[str, dict[str, Any]]:
    status = concept(f"{TERMINOLOGY}/allergyintolerance-clinical", "inactive" if stop else "active")
    return start.isoformat(), status


def _code(code: str, system: str, description: str | None) -> dict[str, Any]:
    known = _SYSTEMS.get(system)
    return (
        coding(known, code, description)
        if known
        else refuse("an unknown code system", column="SYSTEM")
    )


def _type(legacy: str) -> str:
    return legacy if legacy in _TYPES else refuse("neither allergy nor intolerance")


def _category(legacy: str) -> list[str]:
    return [legacy] if legacy in _CATEGORIES else refuse("no category of allergies")


def _reactions(*cells: str | None) -> list[dict[str, Any]]:
    both = {1: cells[:3], 2: cells[3:]}
    return [_reaction(number, *held) for number, held in both.items() if any(held)]


def _reaction(
    number: int, code: str | None, description: str | None, severity: str | None
) -> dict[str, Any]:
    if code is None:
        refuse("a reaction without a code", column=f"REACTION{number}")
    made: dict[str, Any] = {"manifestation": [coding(SNOMED, code, description)]}
    if severity is not None and severity not in _SEVERITIES:
        refuse("an unknown severity", column=f"SEVERITY{number}")
    return made | ({"severity": _SEVERITIES[severity]} if severity else {})


class AllergyMapping(Mapping[AllergyRow]):
    """What a patient does not tolerate, with up to two reactions."""

    element, resource = "allergies", "AllergyIntolerance"
    row = AllergyRow
    table, key, system = "allergies", "rownum", id_system("allergies")
    profile = f"{US_CORE}/us-core-allergyintolerance"
    one_way = ONE_WAY
    fields = (
        Constant(
            "verificationStatus",
            concept(f"{TERMINOLOGY}/allergyintolerance-verification", "confirmed"),
        ),
        Field(
            ("START", "STOP"),
            ("recordedDate", "clinicalStatus"),
            _course,
            lossy=True,
            why="R4 has no element for the day on which an allergy ended",
        ),
        Reference("PATIENT", "patient", to=patients),
        Reference("ENCOUNTER", "encounter", to=encounters),
        Field(("CODE", "SYSTEM", "DESCRIPTION"), "code", _code),
        Field("TYPE", "type", _type),
        Field("CATEGORY", "category", _category),
        Field(
            ("REACTION1", "DESCRIPTION1", "SEVERITY1", "REACTION2", "DESCRIPTION2", "SEVERITY2"),
            "reaction",
            _reactions,
        ),
    )


allergies = AllergyMapping()
