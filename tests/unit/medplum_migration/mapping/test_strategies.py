"""Made-up rows for property tests: what is always there, and what is met once."""

from datetime import date

from medplum_migration.mapping import strategies
from medplum_migration.mapping.columns import Day, LegacyRow, Text
from medplum_migration.mapping.field import Field
from medplum_migration.mapping.laws import sample
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.strategies import Edges
from medplum_migration.mapping.transforms import DAY


class PersonRow(LegacyRow):
    """A person of whom the name is needed."""

    id: int
    name: Text
    born: Day


class PersonMapping(Mapping[PersonRow]):
    """A person to Patient."""

    element, resource, row = "people", "Patient", PersonRow
    table, key, system = "people", "id", "https://clinic.example/id/people"
    fields = (
        Field("name", "name[use=official].family"),
        Field("born", "birthDate", *DAY),
    )


EDGES = {"name": Edges((), ("Smith", "Doe"), ())}


def test_a_column_that_is_never_missing_is_always_filled() -> None:
    """Edges without missing values fill their column in every row."""
    drawn = [row for row, _ in sample(strategies.rows(PersonMapping(), EDGES), 50)]
    assert {"Smith", "Doe"} == {row["name"] for row in drawn}
    assert 1 < len({row["born"] for row in drawn})


def test_sweep_fills_what_is_needed() -> None:
    """A row that holds the edge of another column holds a needed one too."""
    swept = strategies.sweep(PersonMapping(), EDGES)
    born = [row for row in swept if row["born"] == date(1980, 2, 29)]
    assert ["Smith"] == [row["name"] for row in born]
