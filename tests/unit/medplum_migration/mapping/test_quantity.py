"""Quantities: units by UCUM code, digits kept, conversions that bring each legacy number back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medplum_migration.mapping.field import Unmappable
from medplum_migration.mapping.quantity import UCUM, quantity

POUND = quantity("[lb_av]", unit="lb")
KILOGRAM = quantity("kg", factor=Decimal("0.45359237"), places=2)
CELSIUS = quantity("Cel", unit="°C", factor=Decimal(5) / 9, offset=Decimal(-32), places=1)


def test_legacy_unit() -> None:
    """The number keeps its digits; the unit is the code when nothing else is said."""
    expected = {"value": Decimal("72.50"), "unit": "lb", "system": UCUM, "code": "[lb_av]"}
    assert expected == POUND.to(Decimal("72.50"))
    assert "/min" == quantity("/min").to(Decimal(60))["unit"]


def test_conversion() -> None:
    """A converted number has the decimals that bring the legacy number back."""
    assert Decimal("37.00") == CELSIUS.to(Decimal("98.6"))["value"]
    assert Decimal("98.6") == CELSIUS.back({"value": 37, "system": UCUM, "code": "Cel"})


@given(st.decimals(min_value=0, max_value=1500, places=2))
def test_pounds_come_back(number: Decimal) -> None:
    """Every weight with two decimals survives kilograms."""
    assert number == KILOGRAM.back(KILOGRAM.to(number))


@given(st.decimals(min_value=50, max_value=150, places=1))
def test_fahrenheit_comes_back(number: Decimal) -> None:
    """Every temperature with one decimal survives Celsius."""
    assert number == CELSIUS.back(CELSIUS.to(number))


def test_more_decimals_than_the_column_keeps() -> None:
    """What would not come back is unmappable."""
    with pytest.raises(Unmappable, match="more decimals"):
        KILOGRAM.to(Decimal("1.005"))


@pytest.mark.parametrize(
    ("why", "held"),
    [
        ("another unit", {"value": 1, "system": UCUM, "code": "kg"}),
        ("another unit", {"value": 1, "unit": "lb"}),
        ("plain numbers", {"value": 1, "system": UCUM, "code": "[lb_av]", "comparator": "<"}),
        ("plain numbers", {"system": UCUM, "code": "[lb_av]"}),
    ],
)
def test_what_a_column_cannot_hold(why: str, held: dict[str, object]) -> None:
    """Other units, comparators and empty quantities do not go back."""
    with pytest.raises(Unmappable, match=why):
        POUND.back(held)


def test_a_conversion_says_what_the_column_keeps() -> None:
    """Without places nobody could tell how many decimals bring a number back."""
    with pytest.raises(ValueError, match="needs places"):
        quantity("kg", factor=Decimal(2))
