"""Payers: the laws, with addresses and telephone numbers of several kinds."""

from pathlib import Path

import pytest

from data_elements.payers import AddressRow, PhoneRow, payers
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
ADDRESS: dict[str, object] = dict.fromkeys(AddressRow.model_fields)
PHONE: dict[str, object] = dict.fromkeys(PhoneRow.model_fields)
ROW = blank(payers) | {"id": 1, "name": "Thistle Mutual", "inactive": 0}


class TestPayers(laws.Laws):
    """Every law, on made-up rows."""

    mapping = payers
    goldens = GOLDENS / "payers"
    edges = {  # noqa: RUF012 because the base declares it
        "name": Edges((), ("Thistle Mutual",), ("nul\x00",)),
        "inactive": Edges((), (0, 1), (2,)),
        "addresses": Edges(
            (None, []),
            (
                [ADDRESS | {"line1": "8 Premium Plaza", "zip": "02081", "plus_four": "0007"}],
                [ADDRESS | {"line1": None, "line2": "Floor 3"}, ADDRESS | {"city": "Fabledale"}],
                [ADDRESS | {"line1": ""}],
            ),
            ([ADDRESS | {"line1": 7}], "here", [None]),
        ),
        "phones": Edges(
            (None, []),
            (
                [PHONE | {"area_code": "555", "prefix": "555", "number": "0130", "type": 2}],
                [PHONE | {"number": "0131", "type": None}, PHONE | {"number": "0132", "type": 9}],
                [PHONE | {"number": "", "type": 5}],
            ),
            ([PHONE | {"number": 7}], [PHONE | {"number": "0130", "type": "work"}], 7),
        ),
    }


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", "  "),
        ("addresses", [ADDRESS | {"line1": "nul\x00"}]),
        ("phones", [PHONE | {"number": "0130", "type": "work"}]),
    ],
)
def test_quarantine_names_the_column(column: str, value: object) -> None:
    """A company without a name, or with rows that cannot be read, waits for a person."""
    made = payers.to_fhir(ROW | {column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column
