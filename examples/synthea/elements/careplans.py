"""Care plans: `careplans.csv` to CarePlan; START and STOP are local days and stay days."""

from datetime import date
from typing import Any

from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.patients import patients
from examples.synthea.elements.synthea import (
    ONE_WAY,
    SNOMED,
    Needed,
    NeededDay,
    coded,
    id_system,
    period,
    several,
)
from medplum_migration.mapping.columns import Day, LegacyRow, Text
from medplum_migration.mapping.field import Constant, Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference


class CarePlanRow(LegacyRow):
    """The columns that are read."""

    Id: Needed
    START: NeededDay
    STOP: Day
    PATIENT: Needed
    ENCOUNTER: Text
    CODE: Needed
    DESCRIPTION: Text
    REASONCODE: Text
    REASONDESCRIPTION: Text


def _course(start: date, stop: date | None) -> tuple[dict[str, str], str]:
    return period(start, stop), "completed" if stop else "active"


def _reason(code: str | None, description: str | None) -> list[dict[str, Any]]:
    return [{"display": description or code}]


class CarePlanMapping(Mapping[CarePlanRow]):
    """A plan; its activities and its care team are in no CSV file."""

    element, resource = "careplans", "CarePlan"
    row = CarePlanRow
    table, key, system = "careplans", "Id", id_system("careplans")
    one_way = ONE_WAY
    fields = (
        Constant("intent", "order"),
        Field(("START", "STOP"), ("period", "status"), _course),
        Field(("CODE", "DESCRIPTION"), "category", several(coded(SNOMED))),
        Reference("PATIENT", "subject", to=patients),
        Reference("ENCOUNTER", "encounter", to=encounters),
        Field(
            ("REASONCODE", "REASONDESCRIPTION"),
            "addresses",
            _reason,
            lossy=True,
            why="a plan addresses Condition resources, and the file does not say which one",
        ),
    )


careplans = CarePlanMapping()
