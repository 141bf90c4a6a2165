"""Versions of US Core and the bounds between them."""

import pytest

from medplum_migration.fhir.us_core_versions import VERSIONS, in_force, since


def test_order() -> None:
    """A version is since itself and since those before it."""
    assert [False, True, True, True] == [since(version, "6.1.0") for version in VERSIONS]


@pytest.mark.parametrize(
    ("spelled", "name", "within"),
    [
        ("gender", "gender", [True, True, True, True]),
        ("gender<8.0.0", "gender", [True, True, True, False]),
        ("a.b>=6.1.0", "a.b", [False, True, True, True]),
        ("value[x]<6.1.0", "value[x]", [True, False, False, False]),
    ],
)
def test_bounds(spelled: str, name: str, within: list[bool]) -> None:
    """A bound names the first version that is in or out."""
    found = [in_force(spelled, version) for version in VERSIONS]
    assert [(name, one) for one in within] == found
