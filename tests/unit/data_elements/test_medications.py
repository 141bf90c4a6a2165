"""Medications: the laws, with the codes and traps of `lists` as edges."""

from pathlib import Path
from typing import Any

import pytest

from data_elements.medications import DRUGS, medications
from medplum_migration.domain.errors import MappingError
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"


class TestMedications(laws.Laws):
    """Every law, on made-up rows."""

    mapping = medications
    goldens = GOLDENS / "medications"
    edges = {  # noqa: RUF012 because the base declares it
        "pid": Edges((), (7, 900), (0, "x")),
        "title": Edges((), ("x", "Balm 2%", " a  b"), ("", None, "nul\x00")),
        "diagnosis": Edges(
            (None, ""),
            ("RXNORM:7980", "RXNORM:7980;ICD10:I10", "ICD10:I10;RXNORM:7980", "NDC:0002-1433-80"),
            ("SNOMED-CT:38341003", "RXNORM:7980;", "I10"),
        ),
        "list_option_id": Edges((None,), ("Lipitor",), (" x",)),
        "activity": Edges((), (0, 1), (None, 2, "yes")),
        "begdate": Edges(
            (None,), ("2020-02-29 00:00:00", "2021-03-04 05:06:07"), ("2024-03-10 02:30:00",)
        ),
        "enddate": Edges(
            (None, "0000-00-00 00:00:00"),
            ("2022-03-04 00:00:00", "2022-03-04 05:06:07"),
            ("2024-11-03 01:30:00",),
        ),
        "usage_category": Edges((None,), ("community", "discharge"), ("Community", "other")),
    }


ROW = blank(medications) | {"id": 1, "pid": 2, "title": "Balm", "activity": 1}


def mapped(**columns: object) -> dict[str, Any]:
    """Map a row that maps to one MedicationStatement."""
    made = medications.to_fhir(ROW | columns)
    assert not isinstance(made, Quarantine)
    return made[0]


@pytest.mark.parametrize(
    ("column", "columns"),
    [
        ("pid", {"pid": None}),
        ("title", {"title": " "}),
        ("title", {"title": None, "diagnosis": "ICD10:I10"}),
        ("diagnosis", {"diagnosis": "SNOMED-CT:38341003"}),
        ("activity", {"activity": None}),
        ("enddate", {"begdate": "2020-01-02 00:00:00", "enddate": "2020-01-01 09:00:00"}),
        ("usage_category", {"usage_category": "hospital"}),
        ("prescription_id", {"prescription_id": "x"}),
    ],
)
def test_quarantine_names_the_column(column: str, columns: dict[str, object]) -> None:
    """What FHIR demands and the row lacks, and what may mean two things, is quarantined."""
    made = medications.to_fhir(ROW | columns)
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_a_past_end_is_not_completed() -> None:
    """An end in the past says nothing about the status of what is active."""
    assert "active" == mapped(enddate="1999-01-01 00:00:00")["status"]


@pytest.mark.parametrize(
    "elements",
    [
        {"status": "stopped"},
        {"medicationCodeableConcept": {"coding": [{"system": DRUGS}, {"system": DRUGS}]}},
        {"medicationCodeableConcept": {"coding": [{"system": ICD10, "code": "I10"}]}},
        {"reasonCode": [{"id": "diagnosis", "coding": [{"system": RXNORM, "code": "1"}]}]},
        {"reasonCode": [{"id": "diagnosis", "text": "cough"}]},
        {"category": {"coding": [{"system": "urn:other", "code": "a"}]}},
    ],
)
def test_what_columns_cannot_hold(elements: dict[str, object]) -> None:
    """An edit without a place in the row is an error, never a guess."""
    with pytest.raises(MappingError):
        medications.from_fhir(mapped() | elements, ROW)
