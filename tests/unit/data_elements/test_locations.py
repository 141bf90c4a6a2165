"""Locations: the laws, and places that are none."""

from pathlib import Path

import pytest

from data_elements.locations import locations
from data_elements.organizations import organizations
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
ROW = blank(locations) | {"id": 1, "name": "Inkwell", "inactive": 0}


class TestLocations(laws.Laws):
    """Every law, on made-up rows."""

    mapping = locations
    goldens = GOLDENS / "locations"
    edges = {  # noqa: RUF012 because the base declares it
        "name": Edges((), ("Inkwell", "Zoë's"), ("nul\x00",)),
        "inactive": Edges((), (0, 1), (2,)),
        "pos_code": Edges((None, 0), (1, 11, "99"), (-1, 100, "x")),
    }


@pytest.mark.parametrize(
    ("column", "value"), [("name", None), ("pos_code", 100), ("pos_code", -1), ("inactive", "no")]
)
def test_quarantine_names_the_column(column: str, value: object) -> None:
    """A place without a name, or with a place of service that is none, waits for a person."""
    made = locations.to_fhir(ROW | {column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_a_facility_is_two_resources() -> None:
    """Organization and place of one facility carry different identifiers."""
    assert locations.identifiers("1") != organizations.identifiers("1")
    assert organizations.columns == locations.columns
