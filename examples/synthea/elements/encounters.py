"""Encounters: `encounters.csv` to Encounter."""

from typing import Any

from examples.synthea.elements.locations import locations
from examples.synthea.elements.organizations import organizations
from examples.synthea.elements.patients import patients
from examples.synthea.elements.practitioners import practitioners
from examples.synthea.elements.synthea import (
    ONE_WAY,
    SNOMED,
    TERMINOLOGY,
    US_CORE,
    Instant,
    Needed,
    NeededInstant,
    coded,
    concept,
    id_system,
    period,
    several,
)
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Constant, Field, OutOfScope, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference

CLASS = Codes.packaged("examples.synthea", "codes/encounter_class.csv")


class EncounterRow(LegacyRow):
    """The columns that are read."""

    Id: Needed
    START: NeededInstant
    STOP: Instant
    PATIENT: Needed
    ORGANIZATION: Text
    PROVIDER: Text
    ENCOUNTERCLASS: Needed
    CODE: Needed
    DESCRIPTION: Text
    REASONCODE: Text
    REASONDESCRIPTION: Text


def _class(legacy: str) -> dict[str, str]:
    found = CLASS.forward.get(legacy)
    return found.coding() if found else refuse("no class of encounters in the code table")


def _course(start: str, stop: str | None) -> tuple[dict[str, str], str]:
    return period(start, stop), "in-progress" if stop is None else "finished"


def _place(key: str) -> tuple[Resource, list[dict[str, Any]]]:
    return organizations.refer(key), [{"location": locations.refer(key)}]


class EncounterMapping(Mapping[EncounterRow]):
    """A visit: open while it has no end."""

    element, resource = "encounters", "Encounter"
    row = EncounterRow
    table, key, system = "encounters", "Id", id_system("encounters")
    profile = f"{US_CORE}/us-core-encounter"
    refers_to = (organizations, locations)
    one_way = ONE_WAY
    fields = (
        Field(("START", "STOP"), ("period", "status"), _course),
        Field("ENCOUNTERCLASS", "class", _class, lossy=True, why="several are ambulatory"),
        Field(("CODE", "DESCRIPTION"), "type", several(coded(SNOMED))),
        Reference("PATIENT", "subject", to=patients),
        Reference("PROVIDER", "participant[id=performer].individual", to=practitioners),
        Constant(
            "participant[id=performer].type",
            [concept(f"{TERMINOLOGY}/v3-ParticipationType", "PPRF")],
        ),
        Field("ORGANIZATION", ("serviceProvider", "location"), _place),
        Field(("REASONCODE", "REASONDESCRIPTION"), "reasonCode", several(coded(SNOMED))),
        OutOfScope(
            *("PAYER", "BASE_ENCOUNTER_COST", "TOTAL_CLAIM_COST", "PAYER_COVERAGE"),
            why="billing: see claims",
        ),
    )


encounters = EncounterMapping()
