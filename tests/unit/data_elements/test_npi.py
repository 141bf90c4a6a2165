"""National provider identifiers: which numbers are one."""

import pytest

from data_elements.npi import NPI
from medplum_migration.mapping.field import Unmappable


@pytest.mark.parametrize("value", ["1234567893", "1003000126"])
def test_right_numbers(value: str) -> None:
    """A number with a right check digit goes and comes back as it is."""
    assert value == NPI.to(value) == NPI.back(value)


@pytest.mark.parametrize(
    "value", ["1234567890", "123456789", "12345678930", "1234567893 ", "123456789\u0663", ""]
)
def test_wrong_numbers(value: str) -> None:
    """A wrong check digit, length or script of digits is refused, in both directions."""
    for function in NPI:
        with pytest.raises(Unmappable, match="not ten digits with a right check digit"):
            function(value)
