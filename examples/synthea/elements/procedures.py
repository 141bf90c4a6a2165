"""Procedures: `procedures.csv` to Procedure."""

from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.patients import patients
from examples.synthea.elements.synthea import (
    ONE_WAY,
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
from medplum_migration.mapping.field import Constant, Field, OutOfScope
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference


class ProcedureRow(LegacyRow):
    """The columns that are read."""

    rownum: int
    START: NeededInstant
    STOP: Instant
    PATIENT: Needed
    ENCOUNTER: Text
    CODE: Needed
    DESCRIPTION: Text
    REASONCODE: Text
    REASONDESCRIPTION: Text


class ProcedureMapping(Mapping[ProcedureRow]):
    """What was done; Synthea writes it down afterwards."""

    element, resource = "procedures", "Procedure"
    row = ProcedureRow
    table, key, system = "procedures", "rownum", id_system("procedures")
    profile = f"{US_CORE}/us-core-procedure"
    one_way = ONE_WAY
    fields = (
        Constant("status", "completed"),
        Field(("START", "STOP"), "performedPeriod", period),
        Field(("CODE", "DESCRIPTION"), "code", coded(SNOMED)),
        Reference("PATIENT", "subject", to=patients),
        Reference("ENCOUNTER", "encounter", to=encounters),
        Field(("REASONCODE", "REASONDESCRIPTION"), "reasonCode", several(coded(SNOMED))),
        OutOfScope("BASE_COST", why="billing: see claims"),
    )


procedures = ProcedureMapping()
