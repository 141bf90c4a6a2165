"""Organizations: the laws, and what a facility must not say."""

from pathlib import Path

import pytest

from data_elements.npi import NPI_SYSTEM
from data_elements.organizations import NUCC, organizations
from medplum_migration.domain.errors import MappingError
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
ID = {"system": organizations.system, "value": "1"}
ROW = blank(organizations) | {"id": 1, "name": "Inkwell", "inactive": 0}


class TestOrganizations(laws.Laws):
    """Every law, on made-up rows."""

    mapping = organizations
    goldens = GOLDENS / "organizations"
    edges = {  # noqa: RUF012 because the base declares it
        "name": Edges((), ("Inkwell", "O'Neil & Zoë"), ("nul\x00",)),
        "inactive": Edges((), (0, 1), (2,)),
        "organization_type": Edges(("",), ("prov", "van", "two words", " odd"), ("nul\x00",)),
        "facility_taxonomy": Edges((None, ""), ("261QP2300X", "mobile", "261QP2300x"), (7,)),
        "facility_npi": Edges(
            (None, ""), ("1234567893", "1003000126"), ("1234567890", "123456789\u0663", "12345")
        ),
        "domain_identifier": Edges((None,), ("99D9999999",), ("99d9999999", "99-1234567")),
        "oid": Edges(("",), ("2.999.1", "1.0"), ("2.999.01", "3.1", "urn:oid:2.999", "oid")),
    }


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", ""),
        ("facility_npi", "1234567890"),
        ("facility_npi", "123456789"),
        ("domain_identifier", "99-9999999"),
        ("oid", "2.999.01"),
        ("inactive", 2),
    ],
)
def test_quarantine_names_the_column(column: str, value: object) -> None:
    """A facility without a name, or with a number that is none, waits for a person."""
    made = organizations.to_fhir(ROW | {column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column


@pytest.mark.parametrize(
    "elements",
    [
        {"identifier": [ID, {"system": NPI_SYSTEM, "value": "1234567890"}]},
        {"identifier": [ID, {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:2.999"}]},
        {"type": [{"id": "taxonomy", "coding": [{"system": "urn:other", "code": "x"}]}]},
        {"type": [{"id": "taxonomy", "coding": [{"system": NUCC, "code": "a"}] * 2}]},
    ],
)
def test_what_columns_cannot_hold(elements: dict[str, object]) -> None:
    """An edit without a place in `facility` is an error, never a guess."""
    resource = {"resourceType": "Organization", "identifier": [ID], **elements}
    with pytest.raises(MappingError):
        organizations.from_fhir(resource, ROW)


def test_closed_in_medplum() -> None:
    """An organization closed in Medplum is inactive in the legacy store."""
    resource = {"resourceType": "Organization", "identifier": [ID], "name": "Inkwell"}
    assert 1 == organizations.from_fhir(resource | {"active": False}, ROW)["inactive"]
