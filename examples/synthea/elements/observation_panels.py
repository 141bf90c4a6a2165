"""Observation panels: several rows of `observations.csv` to one Observation with components.

The files do not say what belongs together; `codes/panels.csv` does: the panel of each component.
The view `observation_panels` of the import has a record for each panel of a patient, an encounter
and a time; its rows are the components.
"""

from typing import Any

from examples.synthea.elements import measured
from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.observations import category
from examples.synthea.elements.patients import patients
from examples.synthea.elements.synthea import (
    LOINC,
    ONE_WAY,
    Needed,
    NeededInstant,
    coding,
    id_system,
)
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import LegacyRow, Rows, Text
from medplum_migration.mapping.field import Constant, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Children

PANELS = Codes.packaged("examples.synthea", "codes/panels.csv")
"""The panel of each component."""
KEY = ("PATIENT", "ENCOUNTER", "DATE", "PANEL")


class ComponentRow(LegacyRow):
    """A row of `observations`."""

    CODE: str
    DESCRIPTION: Text
    VALUE: Text
    UNITS: Text
    TYPE: Text


class PanelRow(LegacyRow):
    """A row of the view, and its components."""

    PATIENT: Needed
    ENCOUNTER: Needed
    DATE: NeededInstant
    PANEL: Needed
    CATEGORY: Needed
    components: Rows[ComponentRow]


def _panel(code: str) -> dict[str, Any]:
    known = {row.code: row for row in PANELS.rows}.get(code)
    return {"coding": [known.coding()], "text": known.display} if known else refuse("no panel")


def _component(row: ComponentRow) -> dict[str, Any]:
    code = coding(LOINC, row.CODE, row.DESCRIPTION)
    return measured.component(code, row.VALUE, row.UNITS, row.TYPE)


class PanelMapping(Mapping[PanelRow]):
    """A blood pressure, or the answers to a questionnaire."""

    element, resource = "observation_panels", "Observation"
    row = PanelRow
    table, key, system = "observation_panels", KEY, id_system("observation_panels")
    one_way = ONE_WAY
    children = (
        Children(
            "components",
            "observations",
            on={name: name for name in KEY},
            columns=("CODE", "DESCRIPTION", *measured.COLUMNS),
            order_by=("rownum",),
        ),
    )
    fields = (
        Constant("status", "final"),
        Field("DATE", "effectiveDateTime"),
        Reference("PATIENT", "subject", to=patients),
        Reference("ENCOUNTER", "encounter", to=encounters),
        Field("PANEL", "code", _panel),
        Field("CATEGORY", "category", category),
        Field("components", "component", lambda rows: [_component(row) for row in rows]),
    )


observation_panels = PanelMapping()
