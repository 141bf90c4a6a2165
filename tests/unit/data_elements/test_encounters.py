"""Encounters: the laws, with the codes and traps of `form_encounter` as edges."""

from pathlib import Path
from typing import Any

import pytest

from data_elements.encounters import encounters
from data_elements.local_codes import VISIT_CATEGORY
from medplum_migration.domain.errors import MappingError
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"


class TestEncounters(laws.Laws):
    """Every law, on made-up rows."""

    mapping = encounters
    goldens = GOLDENS / "encounters"
    edges = {  # noqa: RUF012 because the base declares it
        "pid": Edges((), (7, 900), (0, "x")),
        "class_code": Edges((), ("AMB", "EMER", "VR"), ("", "amb", "OTHER")),
        "date": Edges(
            (None,), ("2024-03-10 01:59:59", "2007-11-04 00:59:59"), ("2024-03-10 02:30:00",)
        ),
        "date_end": Edges(
            (None,), ("2024-03-10 03:00:00",), ("2024-03-10 02:30:00", "1999-01-01 10:00:00")
        ),
        "sensitivity": Edges((None, ""), ("normal", "high"), ("secret", "High")),
        "discharge_disposition": Edges(
            (None, ""), ("home", "comm-hospital", "to a friend  "), ("nul\x00",)
        ),
        "encounter_type_code": Edges((None, ""), ("office-visit", "a b"), (" lead", "a  b")),
        "pc_catid": Edges((0,), (5, 16), ("five",)),
    }


ROW = blank(encounters) | {"encounter": 1, "pid": 2, "class_code": "AMB"}


def mapped(**columns: object) -> dict[str, Any]:
    """Map a row that maps to one Encounter."""
    made = encounters.to_fhir(ROW | columns)
    assert not isinstance(made, Quarantine)
    return made[0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pid", 0),
        ("class_code", ""),
        ("class_code", "AMBULATORY"),
        ("date", "2024-03-10 02:30:00"),
        ("date_end", "2024-11-03 01:30:00"),
        ("date_end", "2024-05-01 08:59:59"),
        ("sensitivity", "secret"),
        ("encounter_type_code", "two  blanks"),
    ],
)
def test_quarantine_names_the_column(column: str, value: object) -> None:
    """What cannot be mapped is quarantined under its column."""
    made = encounters.to_fhir(ROW | {"date": "2024-05-01 09:00:00", column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column


@pytest.mark.parametrize(
    ("expected", "end"),
    [("unknown", None), ("unknown", "0000-00-00 00:00:00"), ("finished", "2020-01-02 10:00:00")],
)
def test_only_an_end_proves_that_a_visit_is_finished(expected: str, end: str | None) -> None:
    """An old visit without an end is neither finished nor in progress: its status is unknown."""
    assert expected == mapped(date="2020-01-02 09:00:00", date_end=end)["status"]


def test_category_without_its_row() -> None:
    """A category that is gone from the calendar keeps its number, without a name."""
    assert "text" not in mapped(pc_catid=99)["type"][0]


@pytest.mark.parametrize(
    "elements",
    [
        {"status": "cancelled"},
        {"status": "finished"},
        {
            "type": [{"id": "category", "coding": [{"system": VISIT_CATEGORY, "code": "x"}]}],
        },
    ],
)
def test_what_columns_cannot_hold(elements: dict[str, object]) -> None:
    """A status, or a category without number, set in Medplum is an error, never a guess."""
    with pytest.raises(MappingError):
        encounters.from_fhir(mapped() | elements, ROW)


def test_a_visit_ended_in_medplum() -> None:
    """The end of a visit is written back in clinic time."""
    resource = mapped() | {"status": "finished", "period": {"end": "2024-07-01T14:00:00Z"}}
    assert "2024-07-01 10:00:00" == str(encounters.from_fhir(resource, ROW)["date_end"])
