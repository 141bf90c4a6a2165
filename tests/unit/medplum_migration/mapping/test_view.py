"""Canonical values."""

from decimal import Decimal

import pytest

from medplum_migration.mapping.view import canonical

A, B = {"system": "urn:a", "code": "1"}, {"system": "urn:b", "code": "2"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (72.5, Decimal("72.50")),
        (100, Decimal("1E+2")),
        ({"coding": [A, B]}, {"coding": [B, A]}),
        ({"coding": [A, A]}, {"coding": [A]}),
        ("2024-01-01T05:00:00.000Z", "2024-01-01T00:00:00-05:00"),
        (
            {"reference": "Patient/1", "identifier": A, "display": "Ann"},
            {"reference": "Patient/1", "identifier": A},
        ),
        (
            {"reference": "Patient?identifier=x", "identifier": A},
            {"type": "Patient", "identifier": A},
        ),
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
    ],
)
def test_same(one: object, other: object) -> None:
    """Spellings of one meaning are equal, and can be hashed."""
    assert canonical(one) == canonical(other)
    assert hash(canonical(one)) == hash(canonical(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        ("1", 1),
        (["a", "b"], ["b", "a"]),
        ({"coding": [A]}, {"coding": [A, B]}),
        ({"coding": "x"}, {"coding": "y"}),
        ("2024-01-01", "2024-01-01T00:00:00Z"),
        ("2024-02-31T00:00:00Z", "2024-03-02T00:00:00Z"),
        ({"reference": "Patient/1"}, {"reference": "Patient/2"}),
        (
            {"reference": "Patient/1", "identifier": A},
            {"reference": "Patient/2", "identifier": A},
        ),
    ],
)
def test_different(one: object, other: object) -> None:
    """Different meanings stay different."""
    assert canonical(one) != canonical(other)
