"""Prescriptions: the laws, with the codes and traps of `prescriptions` as edges."""

from pathlib import Path
from typing import Any

import pytest

from data_elements.prescriptions import prescriptions
from medplum_migration.domain.errors import MappingError
from medplum_migration.fhir.strict import validate
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


class TestPrescriptions(laws.Laws):
    """Every law, on made-up rows."""

    mapping = prescriptions
    goldens = GOLDENS / "prescriptions"
    edges = {  # noqa: RUF012 because the base declares it
        "patient_id": Edges((), (7, 900), (0, "x")),
        "provider_id": Edges((None, 0), (4, 12), ("x",)),
        "drug": Edges((), ("x", "Balm 10mg/5ml"), ("nul\x00",)),
        "rxnorm_drugcode": Edges((None, ""), ("860975", "1"), ("RXNORM:1", "0", "\u0667")),
        "form": Edges((0, None), (2, 8), (99, "x")),
        "unit": Edges((0, None), (1, 6), (99,)),
        "interval": Edges((0, None), (1, 17), (99,)),
        "route": Edges((None, "", "0"), ("bymouth", "1", "4", "by  hand"), ("nul\x00",)),
        "quantity": Edges((None, ""), ("30", "2.5"), ("30 tablets",)),
        "refills": Edges((None,), (0, 3), (-1,)),
        "substitute": Edges((None, 0), (1, 2), (3,)),
        "active": Edges((), (0, 1), (None, -1, 2)),
        "diagnosis": Edges((None, ""), ("ICD10:I10;ICD10:E11.9", "high blood"), ("ICD10:I10;",)),
        "start_date": Edges((None,), ("2020-01-01",), ("2020-02-30",)),
        "end_date": Edges((None,), ("2021-01-01",), ("2019-01-01 10:00:00",)),
        "usage_category": Edges((None,), ("community", "discharge"), ("Community",)),
        "usage_category_title": Edges(("",), ("Garden", "At home"), (7,)),
        "request_intent": Edges((None,), ("order", "plan"), ("Order",)),
        "request_intent_title": Edges(("",), ("Order", "Plan"), ("order", "Wish")),
    }


ROW = blank(prescriptions) | {"id": 1, "patient_id": 2, "drug": "Balm", "active": 1}


def mapped(**columns: object) -> dict[str, Any]:
    """Map a row that maps to one MedicationRequest."""
    made = prescriptions.to_fhir(ROW | columns)
    assert not isinstance(made, Quarantine)
    return made[0]


@pytest.mark.parametrize(
    ("column", "columns"),
    [
        ("patient_id", {"patient_id": None}),
        ("drug", {"drug": ""}),
        ("rxnorm_drugcode", {"rxnorm_drugcode": "RXNORM:1"}),
        ("active", {"active": -1}),
        ("request_intent", {"request_intent": "Order"}),
        ("request_intent_title", {"request_intent_title": "Wish"}),
        ("usage_category", {"usage_category": "hospital"}),
        ("form", {"form": 99}),
        ("quantity", {"quantity": "30 tablets"}),
        ("refills", {"refills": -1}),
        ("per_refill", {"per_refill": 2**31}),
        ("substitute", {"substitute": 3}),
        ("end_date", {"start_date": "2020-01-02", "end_date": "2020-01-01"}),
    ],
)
def test_quarantine_names_the_column(column: str, columns: dict[str, object]) -> None:
    """What FHIR demands and the row lacks, and unknown codes, are quarantined."""
    made = prescriptions.to_fhir(ROW | columns)
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_a_past_end_is_not_completed() -> None:
    """An end in the past says nothing about the status of what is active."""
    assert "active" == mapped(end_date="1999-01-01")["status"]


@pytest.mark.parametrize(("expected", "choice"), [(True, 1), (False, 2)])
def test_substitution(expected: bool, choice: int) -> None:  # noqa: FBT001 because it is a case
    """Substitution is allowed or not in both directions, and nothing when not chosen."""
    made = mapped(substitute=choice)
    assert {"allowedBoolean": expected} == made["substitution"]
    assert choice == prescriptions.from_fhir(made, ROW)["substitute"]


def test_us_core_without_requester() -> None:
    """An order of nobody that is recorded holds against US Core, which demands a requester."""
    validate(mapped() | {"subject": {"reference": "Patient/2"}}, us_core="6.1.0")


@pytest.mark.parametrize(
    "elements",
    [
        {"status": "completed"},
        {"intent": "directive"},
        {"medicationCodeableConcept": {"coding": [{"system": "urn:other", "code": "1"}]}},
        {"medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "x"}]}},
        {"reasonCode": [{"id": "diagnosis", "text": "ICD10:I10"}]},
        {"reasonCode": [{"id": "diagnosis", "text": "a", "coding": [{"code": "b"}]}]},
        {"dosageInstruction": [{"id": "sig", "timing": {"code": {"text": "at noon"}}}]},
        {"requester": {"identifier": {"system": "urn:other", "value": "1"}}},
    ],
)
def test_what_columns_cannot_hold(elements: dict[str, object]) -> None:
    """An edit without a place in `prescriptions` is an error, never a guess."""
    with pytest.raises(MappingError):
        prescriptions.from_fhir(mapped() | elements, ROW)
