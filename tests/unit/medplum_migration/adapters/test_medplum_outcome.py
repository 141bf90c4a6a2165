"""OperationOutcomes and the `RateLimit` header: what is taken from them, and what never is."""

import httpx
import pytest

from medplum_migration.adapters.medplum_outcome import (
    Outcome,
    RateLimit,
    outcome_of,
    rate_limit,
    read_json,
)
from medplum_migration.ports.fhir_store import Quota


@pytest.mark.parametrize(
    "body",
    [
        None,
        "text",
        {"issue": "x"},
        {"issue": []},
        {"issue": [None]},
        {"issue": [{"code": "Ann Smith", "expression": "x", "details": "y"}]},
        {"issue": [{"code": 7, "expression": [], "details": {"text": None}}]},
    ],
)
def test_malformed_outcome(body: object) -> None:
    """An outcome that is not one says nothing, and nothing of it travels on."""
    assert Outcome() == outcome_of(body)


def test_values_in_an_expression_do_not_travel() -> None:
    """An expression that is more than a path is withheld; it still tells a data error."""
    issue = {"code": "structure", "expression": ["Patient.name.where(family = 'Smith')"]}
    assert Outcome("structure", has_expression=True) == outcome_of({"issue": [issue]})


def test_the_first_error_counts() -> None:
    """Warnings before an error are passed over; without an error the first issue counts."""
    warning = {"severity": "warning", "code": "processing"}
    error = {"severity": "error", "code": "structure", "expression": ["Patient.birthDate"]}
    assert "Patient.birthDate" == outcome_of({"issue": [warning, error]}).path
    assert "processing" == outcome_of({"issue": [warning]}).code


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (
            '"requests";r=59527;t=57, "fhirInteractions";r=0;t=56',
            RateLimit(Quota(0, 56.0), 56.0),
        ),
        (
            '"requests";r=0;t=12, "fhirInteractions";r=0;t=56',
            RateLimit(Quota(0, 56.0), 56.0),
        ),
        (
            '"requests";r=0;t=12, "fhirInteractions";r=9;t=56',
            RateLimit(Quota(9, 56.0), 12.0),
        ),
        ('"requests";r=10;t=12', RateLimit(None, 60.0)),
        ("nonsense", RateLimit(None, 60.0)),
        ("", RateLimit(None, 60.0)),
    ],
)
def test_rate_limit(header: str, wanted: RateLimit) -> None:
    """The wait is that of the exhausted bucket that fills last, a whole window if none tells."""
    assert wanted == rate_limit(httpx.Response(200, headers={"RateLimit": header}))


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\xfe\xfa", b'{"a":'])
def test_unreadable_body(content: bytes) -> None:
    """A body that is not JSON reads as None."""
    assert read_json(httpx.Response(200, content=content)) is None
