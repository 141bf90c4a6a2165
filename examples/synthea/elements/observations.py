"""Observations: rows of `observations.csv` that stand alone, to Observation.

PANEL is a column of the import: rows of a panel are one resource, see `observation_panels`. Rows
without category are the simulation's own scores (QALY, DALY, QOLS) and no records.
"""

from typing import Any

from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.measured import VALUE
from examples.synthea.elements.patients import patients
from examples.synthea.elements.synthea import (
    LOINC,
    ONE_WAY,
    TERMINOLOGY,
    Needed,
    NeededInstant,
    coded,
    concept,
    id_system,
)
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Constant, Excluded, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import PRESENT

ALONE = ""
"""What PANEL holds where a row belongs to no panel."""
_CATEGORIES = ("social-history", "vital-signs", "laboratory", "survey", "exam")


class ObservationRow(LegacyRow):
    """The columns that are read."""

    rownum: int
    DATE: NeededInstant
    PATIENT: Needed
    ENCOUNTER: Text
    CATEGORY: Needed
    CODE: Needed
    DESCRIPTION: Text
    VALUE: Text
    UNITS: Text
    TYPE: Needed


def category(legacy: str) -> list[dict[str, Any]]:
    """Give the category; Synthea writes FHIR's own codes."""
    if legacy not in _CATEGORIES:
        refuse("no category of observations")
    return [concept(f"{TERMINOLOGY}/observation-category", legacy)]


class ObservationMapping(Mapping[ObservationRow]):
    """One measurement, finding or answer."""

    element, resource = "observations", "Observation"
    row = ObservationRow
    table, key, system = "observations", "rownum", id_system("observations")
    where = {"CATEGORY": PRESENT, "PANEL": ALONE}  # noqa: RUF012 because `Mapping` types it
    one_way = ONE_WAY
    fields = (
        Constant("status", "final"),
        Field("DATE", "effectiveDateTime"),
        Reference("PATIENT", "subject", to=patients),
        Reference("ENCOUNTER", "encounter", to=encounters),
        Field("CATEGORY", "category", category),
        Field(("CODE", "DESCRIPTION"), "code", coded(LOINC)),
        VALUE,
        Excluded("PANEL", why="tells these rows from those of panels"),
    )


observations = ObservationMapping()
