"""Coverages: the laws, and what insures nobody."""

from pathlib import Path

import pytest

from data_elements.coverages import coverages
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.source import PRESENT
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
ROW = blank(coverages) | {"id": 1, "pid": 7, "provider": "31"}


class TestCoverages(laws.Laws):
    """Every law, on made-up rows."""

    mapping = coverages
    goldens = GOLDENS / "coverages"
    edges = {  # noqa: RUF012 because the base declares it
        "pid": Edges((), (1, 4711, "7"), (0, None, "x")),
        "provider": Edges((), ("31", 32), ("0", "Thistle Mutual", "")),
        "type": Edges((None,), ("primary", "secondary", "tertiary"), ("first", "Primary")),
        "subscriber_relationship": Edges(
            (None, ""), ("self", "spouse", "child", "other", "ward", "a  b"), ("nul\x00",)
        ),
        "date": Edges((None, "0000-00-00"), ("2019-03-01",), ("2019-02-30",)),
        "date_end": Edges((None, "0000-00-00"), ("2022-12-31", "2019-03-01"), ("2019-02-28 ",)),
    }


@pytest.mark.parametrize(
    ("column", "row"),
    [
        ("pid", {"pid": 0}),
        ("pid", {"pid": 0, "subscriber_relationship": "self"}),
        ("provider", {"provider": "0"}),
        ("provider", {"provider": "Thistle Mutual"}),
        ("type", {"type": "quaternary"}),
        ("date_end", {"date": "2024-01-01", "date_end": "2023-12-31"}),
    ],
)
def test_quarantine_names_the_column(column: str, row: dict[str, object]) -> None:
    """Without patient or payer, of unknown rank, or over before it began: a person decides."""
    made = coverages.to_fhir(ROW | row)
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_only_rows_with_a_payer() -> None:
    """OpenEMR keeps empty rows of each rank; they are no coverage."""
    assert {"provider": PRESENT} == coverages.source.where
