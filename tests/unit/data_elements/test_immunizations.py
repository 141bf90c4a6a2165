"""Immunizations: the laws, with the codes and traps of `immunizations` as edges."""

from pathlib import Path
from typing import Any

import pytest

from data_elements.immunizations import MVX, immunizations
from medplum_migration.domain.errors import MappingError
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
CVX = "http://hl7.org/fhir/sid/cvx"


class TestImmunizations(laws.Laws):
    """Every law, on made-up rows."""

    mapping = immunizations
    goldens = GOLDENS / "immunizations"
    edges = {  # noqa: RUF012 because the base declares it
        "patient_id": Edges((), (7, 900), (0, "x")),
        "administered_date": Edges(
            (), ("2020-02-29 00:00:00", "2021-03-04 05:06:07"), (None, "2024-03-10 02:30:00")
        ),
        "cvx_code": Edges((), ("03", "140"), ("3", "CVX:03", "\u0667\u0667")),
        "immunization_id": Edges((None, 0), (1, 23), (99,)),
        "manufacturer": Edges((None, ""), ("MSD", "Old Works"), ("nul\x00",)),
        "amount_administered": Edges((None, 0), (0.5, "1.25"), ("half",)),
        "amount_administered_unit": Edges((None, "", "0"), ("9", "2", "drops"), ("nul\x00",)),
        "route": Edges((None, "0"), ("intramuscular", "4", "by hand"), ("nul\x00",)),
        "administration_site": Edges((None,), ("left_arm", "nose", "big toe"), ("nul\x00",)),
        "added_erroneously": Edges((0,), (0, 1), ("x",)),
        "completion_status": Edges((), ("Refused", "Not_Administered"), (None, "refused")),
        "refusal_reason": Edges((None,), ("religious_exemption", "other"), ("never",)),
        "information_source": Edges(
            (None,), ("new_immunization_record", "school_record", "public_agency"), ("hearsay",)
        ),
        "reason_code": Edges((None,), ("SNOMED-CT:1;", "ICD10:Z23"), (";;a", "a  b")),
    }


class TestGiven(laws.Laws):
    """Every law on doses that were given, to whom no refusal belongs."""

    mapping = immunizations
    goldens = GOLDENS / "immunizations"
    edges = TestImmunizations.edges | {
        "completion_status": Edges((), ("Completed", "Partially_Administered"), (None, "done")),
        "refusal_reason": Edges((None,), (None,), ("other",)),
    }


ROW = blank(immunizations) | {
    "id": 1,
    "patient_id": 2,
    "administered_date": "2020-01-01 00:00:00",
    "cvx_code": "03",
    "completion_status": "Completed",
    "added_erroneously": 0,
}


def mapped(**columns: object) -> dict[str, Any]:
    """Map a row that maps to one Immunization."""
    made = immunizations.to_fhir(ROW | columns)
    assert not isinstance(made, Quarantine)
    return made[0]


@pytest.mark.parametrize(
    ("column", "columns"),
    [
        ("patient_id", {"patient_id": None}),
        ("completion_status", {"completion_status": None}),
        ("completion_status", {"completion_status": "completed"}),
        ("refusal_reason", {"refusal_reason": "other"}),
        ("refusal_reason", {"completion_status": "Refused", "refusal_reason": "never"}),
        ("cvx_code", {"cvx_code": None}),
        ("cvx_code", {"cvx_code": "3"}),
        ("administered_date", {"administered_date": None}),
        ("information_source", {"information_source": "hearsay"}),
    ],
)
def test_quarantine_names_the_column(column: str, columns: dict[str, object]) -> None:
    """What FHIR demands and the row lacks or contradicts is quarantined under its column."""
    made = immunizations.to_fhir(ROW | columns)
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_in_error_keeps_its_refusal() -> None:
    """A refusal that Medplum marks as entered in error stays a refusal in the row."""
    row = ROW | {"completion_status": "Refused", "refusal_reason": "other"}
    edited = mapped(**row) | {"status": "entered-in-error"}
    assert row | {"added_erroneously": True} == immunizations.from_fhir(edited, row)


@pytest.mark.parametrize(("number", "name"), [(4, "Nurse Alder"), (4, None), (None, "Nurse Alder")])
def test_who_gave_it(number: int | None, name: str | None) -> None:
    """Who gave it is a practitioner, a name, or both, and comes back over an empty row."""
    row = immunizations.from_fhir(mapped(administered_by_id=number, administered_by=name), ROW)
    assert (number, name) == (row["administered_by_id"], row["administered_by"])


@pytest.mark.parametrize(
    "elements",
    [
        {"status": "not-done"},
        {"statusReason": {"text": "no reason"}},
        {"vaccineCode": {"text": "flu"}},
        {"vaccineCode": {"coding": [{"system": CVX, "code": "3"}]}},
        {"primarySource": False},
        {"primarySource": True, "reportOrigin": {"text": "aunt"}},
        {"manufacturer": {"identifier": {"system": MVX, "value": "ZZZ"}}},
        {"manufacturer": {"identifier": {"system": "urn:other", "value": "MSD"}}},
        {"manufacturer": {"reference": "Organization/1"}},
        {"doseQuantity": {"value": 1, "comparator": "<"}},
        {"doseQuantity": {"value": 1, "unit": "9"}},
    ],
)
def test_what_columns_cannot_hold(elements: dict[str, object]) -> None:
    """An edit without a place in `immunizations` is an error, never a guess."""
    with pytest.raises(MappingError):
        immunizations.from_fhir(mapped() | elements, ROW)
