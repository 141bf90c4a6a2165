"""Medications: `medications.csv` to MedicationRequest."""

from typing import Any

from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.patients import patients
from examples.synthea.elements.practitioners import practitioners
from examples.synthea.elements.synthea import (
    ONE_WAY,
    RXNORM,
    SNOMED,
    US_CORE,
    Instant,
    Needed,
    NeededInstant,
    coded,
    id_system,
    period,
    several,
)
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Constant, Field, OutOfScope, Unsupported
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Join


class MedicationRow(LegacyRow):
    """The columns that are read, and who treated the patient in the encounter."""

    rownum: int
    START: NeededInstant
    STOP: Instant
    PATIENT: Needed
    ENCOUNTER: Needed
    PROVIDER: Text
    CODE: Needed
    DESCRIPTION: Text
    REASONCODE: Text
    REASONDESCRIPTION: Text


def _course(start: str, stop: str | None) -> tuple[str, str, list[dict[str, Any]]]:
    """Give the time of the order, its status, and from when to when the drug is taken."""
    taken = {"timing": {"repeat": {"boundsPeriod": period(start, stop)}}}
    return start, "stopped" if stop else "active", [taken]


class MedicationMapping(Mapping[MedicationRow]):
    """An order: stopped when it has an end, whoever ended it."""

    element, resource = "medications", "MedicationRequest"
    row = MedicationRow
    table, key, system = "medications", "rownum", id_system("medications")
    profile = f"{US_CORE}/us-core-medicationrequest"
    one_way = ONE_WAY
    joins = (Join("encounters", on={"Id": "ENCOUNTER"}, columns={"PROVIDER": "PROVIDER"}),)
    fields = (
        Constant("intent", "order"),
        Field(("START", "STOP"), ("authoredOn", "status", "dosageInstruction"), _course),
        Field(("CODE", "DESCRIPTION"), "medicationCodeableConcept", coded(RXNORM)),
        Reference("PATIENT", "subject", to=patients),
        Reference("ENCOUNTER", "encounter", to=encounters),
        Reference("PROVIDER", "requester", to=practitioners, why="of the encounter"),
        Field(("REASONCODE", "REASONDESCRIPTION"), "reasonCode", several(coded(SNOMED))),
        Unsupported("DISPENSES", why="how often it was handed out belongs to MedicationDispense"),
        OutOfScope("PAYER", "BASE_COST", "PAYER_COVERAGE", "TOTALCOST", why="billing: see claims"),
    )


medications = MedicationMapping()
