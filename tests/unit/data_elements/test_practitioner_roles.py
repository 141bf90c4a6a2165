"""Practitioner roles: the laws, and what a user's defaults must not say."""

from pathlib import Path

import pytest

from data_elements.practitioner_roles import UNTOUCHED, practitioner_roles
from data_elements.practitioners import practitioners
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
ROW = blank(practitioner_roles) | {"id": 1, "active": 1, "taxonomy": UNTOUCHED}


class TestPractitionerRoles(laws.Laws):
    """Every law, on made-up rows."""

    mapping = practitioner_roles
    goldens = GOLDENS / "practitioner_roles"
    edges = {  # noqa: RUF012 because the base declares it
        "active": Edges((), (0, 1), (2,)),
        "facility_id": Edges((0, None), (3, "42"), ("x", 1.5)),
        "taxonomy": Edges(("",), (UNTOUCHED, "207RE0101X"), ("nul\x00", "two  blanks", "family")),
        "physician_type": Edges((None, ""), ("physician", "healer", "odd  one"), ("nul\x00",)),
    }


@pytest.mark.parametrize("facility", [0, "0", None])
def test_nothing_is_invented(facility: object) -> None:
    """Of a user who works nowhere and has no specialty, the role says whose it is and no more."""
    made = practitioner_roles.to_fhir(ROW | {"facility_id": facility})
    assert isinstance(made, tuple)
    (resource,) = made
    assert {"resourceType", "identifier", "active", "practitioner"} == resource.keys()


@pytest.mark.parametrize(
    ("column", "value"),
    [("taxonomy", "family doctor"), ("facility_id", "here"), ("active", 2)],
)
def test_quarantine_names_the_column(column: str, value: object) -> None:
    """A taxonomy that is no code, and a facility that is no number, wait for a person."""
    made = practitioner_roles.to_fhir(ROW | {"facility_id": 3, column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_same_table_as_the_practitioner() -> None:
    """Both elements know every column of `users`."""
    joined = {"facility_phone", "facility_email"}
    assert practitioners.columns == practitioner_roles.columns - joined
    assert practitioners.identifiers("1") != practitioner_roles.identifiers("1")
