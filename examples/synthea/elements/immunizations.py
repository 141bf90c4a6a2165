"""Immunizations: `immunizations.csv` to Immunization."""

from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.patients import patients
from examples.synthea.elements.synthea import (
    CVX,
    ONE_WAY,
    US_CORE,
    Needed,
    NeededInstant,
    coded,
    id_system,
)
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Constant, Field, OutOfScope
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference


class ImmunizationRow(LegacyRow):
    """The columns that are read."""

    rownum: int
    DATE: NeededInstant
    PATIENT: Needed
    ENCOUNTER: Text
    CODE: Needed
    DESCRIPTION: Text


class ImmunizationMapping(Mapping[ImmunizationRow]):
    """A dose that was given."""

    element, resource = "immunizations", "Immunization"
    row = ImmunizationRow
    table, key, system = "immunizations", "rownum", id_system("immunizations")
    profile = f"{US_CORE}/us-core-immunization"
    one_way = ONE_WAY
    fields = (
        Constant("status", "completed"),
        Field("DATE", "occurrenceDateTime"),
        Field(("CODE", "DESCRIPTION"), "vaccineCode", coded(CVX)),
        Reference("PATIENT", "patient", to=patients),
        Reference("ENCOUNTER", "encounter", to=encounters),
        OutOfScope("BASE_COST", why="billing: see claims"),
    )


immunizations = ImmunizationMapping()
