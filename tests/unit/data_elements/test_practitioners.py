"""Practitioners: the laws, and users who are no persons."""

from pathlib import Path

import pytest

from data_elements.npi import NPI_SYSTEM
from data_elements.practitioners import practitioners
from medplum_migration.domain.errors import MappingError
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.register import register
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
ID = {"system": practitioners.system, "value": "1"}
ROW = blank(practitioners) | {"id": 1, "active": 1, "lname": "Fennimore"}


class TestPractitioners(laws.Laws):
    """Every law, on made-up rows."""

    mapping = practitioners
    goldens = GOLDENS / "practitioners"
    edges = {  # noqa: RUF012 because the base declares it
        "active": Edges((), (0, 1), (2,)),
        "lname": Edges((), ("Fennimore", "O'Neil", "李"), ("nul\x00",)),
        "npi": Edges(
            (None, ""), ("1234567893", "1003000126"), ("1234567890", "123456789\u0663", "12345")
        ),
    }


@pytest.mark.parametrize(
    ("column", "row"),
    [
        ("lname", {"lname": "", "organization": "Far Hill Imaging"}),
        ("lname", {"lname": None, "fname": "Temp"}),
        ("npi", {"npi": "1234567890"}),
        ("npi", {"npi": "NPI1234567893"}),
        ("fname", {"fname": "", "mname": "P."}),
    ],
)
def test_quarantine_names_the_column(column: str, row: dict[str, object]) -> None:
    """Organizations, shared logins and wrong numbers wait for a person."""
    made = practitioners.to_fhir(ROW | row)
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_a_wrong_npi_does_not_come_back() -> None:
    """An NPI typed wrong in Medplum is not written."""
    npi = {"system": NPI_SYSTEM, "value": "1234567890"}
    resource = {"resourceType": "Practitioner", "identifier": [ID, npi]}
    with pytest.raises(MappingError):
        practitioners.from_fhir(resource, ROW)


def test_logins_are_not_read() -> None:
    """No column of the sign-in is read, let alone mapped."""
    secret = {"username", "password", "google_signin_email"}
    assert not secret & practitioners.columns_read
    lines = [entry for entry in register(practitioners) if entry.column in secret]
    assert {"excluded"} == {str(entry.disposition) for entry in lines}
