"""Decimals from a text to the bytes of a request: every digit, or a refusal."""

from decimal import Decimal

import pytest

from medplum_migration.adapters.medplum_requests import Request, batch, prepare
from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.domain.identity import Identifier
from medplum_migration.fhir.canonical import digest, loads
from medplum_migration.fhir.strict import validate
from medplum_migration.ports.fhir_store import ConditionalCreate, GuardedUpdate, Write


def observation(number: str) -> Resource:
    """Read an observation whose value is spelt as given."""
    text = f"""{{
        "resourceType": "Observation", "identifier": [{{"system": "urn:s", "value": "7"}}],
        "status": "final", "code": {{"text": "x"}}, "valueQuantity": {{"value": {number}}}
    }}"""
    loaded: Resource = loads(text)
    return loaded


def writes(resource: Resource) -> list[Write]:
    """Give both ways of writing a resource."""
    return [
        ConditionalCreate(Identifier("urn:s", "7"), resource),
        GuardedUpdate("1", "1", resource),
    ]


KEPT = {
    "72.50": "72.50",
    "72.5": "72.5",
    "100": "100",
    "100.00": "100.00",
    "0.10": "0.10",
    "-0.5": "-0.5",
    "0.000001": "0.000001",
    "7.250e1": "72.50",
    "7250E-2": "72.50",
    "1e2": "1E+2",
    "1.0e-9": "1.0E-9",
    "9007199254740992": "9007199254740992",
    "0.1234567890123456": "0.1234567890123456",
}
"""How a number is read, and how it is sent: the same digits, an exponent where it has one."""


@pytest.mark.parametrize("number", KEPT)
def test_kept(number: str) -> None:
    """A decimal is valid and is sent with every digit, alone and in a batch."""
    resource = observation(number)
    validate(resource)
    sent = f'"valueQuantity":{{"value":{KEPT[number]}}}'.encode()
    for write in writes(resource):
        request = prepare(0, write)
        assert isinstance(request, Request)
        assert sent in request.body
        assert sent in batch([request])


@pytest.mark.parametrize(("one", "other"), [("72.50", "72.5"), ("1.0", "1"), ("1e2", "100")])
def test_precision_is_content(one: str, other: str) -> None:
    """Another precision is another content, another spelling of the same is not."""
    assert digest(b"s", [observation(one)]) != digest(b"s", [observation(other)])
    assert digest(b"s", [observation("72.50")]) == digest(b"s", [observation("7.250e1")])


@pytest.mark.parametrize(
    "number",
    [
        "0.1234567890123456789",
        "72.500000000000000001",
        "9007199254740993",
        "1e400",
        "1e-400",
        "-123456789012345678.5",
    ],
)
def test_refused(number: str) -> None:
    """A decimal that the server would round is refused."""
    with pytest.raises(InvalidResourceError) as refused:
        validate(observation(number))
    assert "valueQuantity.value" == refused.value.path
    assert "more digits than a double holds" == refused.value.reason


def test_made_not_read() -> None:
    """A Decimal of a mapping keeps its digits as one that was read does; a float is as it is."""
    made = observation("1") | {"valueQuantity": {"value": Decimal("72.50")}}
    assert observation("72.50") == made
    assert digest(b"s", [observation("72.50")]) == digest(b"s", [made])
    validate(observation("1") | {"valueQuantity": {"value": 0.1}})
