"""Canonical JSON: deterministic bytes that keep every digit."""

from decimal import Decimal

import pytest

from medplum_migration.fhir.canonical import digest, dumps, loads


def test_sorted_and_exact() -> None:
    """Keys are sorted, digits and letters kept."""
    resource = {"b": [Decimal("72.50"), 1, 0.5, True, None], "a": {"é": "x\n"}}
    assert '{"a":{"é":"x\\n"},"b":[72.50,1,0.5,true,null]}'.encode() == dumps(resource)


def test_round_trip() -> None:
    """Reading gives back what was written."""
    resource = {"value": Decimal("72.50"), "n": 1}
    assert resource == loads(dumps(resource))
    assert "72.50" == str(loads(dumps(resource))["value"])


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("inf")])
def test_not_finite(value: object) -> None:
    """A number that JSON has no spelling for is refused."""
    with pytest.raises(ValueError, match=r"finite|compliant"):
        dumps({"value": value})


def test_not_json() -> None:
    """What is no JSON is refused by its type, not its value."""
    with pytest.raises(TypeError, match="not JSON: bytes"):
        dumps({"value": b"secret"})


def test_digest() -> None:
    """Equal content hashes alike; other content, order of resources or secret do not."""
    one, other = {"a": 1, "b": 2}, {"a": 2}
    assert digest(b"s", [one, other]) == digest(b"s", [{"b": 2, "a": 1}, other])
    assert digest(b"s", [one, other]) != digest(b"s", [other, one])
    assert digest(b"s", [one]) != digest(b"t", [one])
    assert "1" != digest(b"s", [one])
