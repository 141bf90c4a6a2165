"""Conditions: `conditions.csv` to Condition; START and STOP are local days and stay days."""

from datetime import date
from typing import Any

from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.patients import patients
from examples.synthea.elements.synthea import (
    ONE_WAY,
    SNOMED,
    TERMINOLOGY,
    US_CORE,
    Needed,
    NeededDay,
    coded,
    concept,
    id_system,
)
from medplum_migration.mapping.columns import Day, LegacyRow, Text
from medplum_migration.mapping.field import Constant, Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference


class ConditionRow(LegacyRow):
    """The columns that are read."""

    rownum: int
    START: NeededDay
    STOP: Day
    PATIENT: Needed
    ENCOUNTER: Needed
    CODE: Needed
    DESCRIPTION: Text


def _course(start: date, stop: date | None) -> tuple[str, str | None, dict[str, Any]]:
    """Give onset, abatement and status: what has ended is resolved."""
    status = concept(f"{TERMINOLOGY}/condition-clinical", "resolved" if stop else "active")
    return start.isoformat(), stop.isoformat() if stop else None, status


class ConditionMapping(Mapping[ConditionRow]):
    """A diagnosis of an encounter."""

    element, resource = "conditions", "Condition"
    row = ConditionRow
    table, key, system = "conditions", "rownum", id_system("conditions")
    profile = f"{US_CORE}/us-core-condition-encounter-diagnosis"
    one_way = ONE_WAY
    fields = (
        Constant("category", [concept(f"{TERMINOLOGY}/condition-category", "encounter-diagnosis")]),
        Constant("verificationStatus", concept(f"{TERMINOLOGY}/condition-ver-status", "confirmed")),
        Field(
            ("START", "STOP"),
            ("onsetDateTime", "abatementDateTime", "clinicalStatus"),
            _course,
        ),
        Field(("CODE", "DESCRIPTION"), "code", coded(SNOMED)),
        Reference("PATIENT", "subject", to=patients),
        Reference("ENCOUNTER", "encounter", to=encounters),
    )


conditions = ConditionMapping()
