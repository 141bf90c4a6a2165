"""Allergies: the laws, with the codes and traps of `lists` as edges."""

from pathlib import Path
from typing import Any

import pytest

from data_elements.allergies import ALLERGENS, CLINICAL, allergies
from medplum_migration.domain.errors import MappingError
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"


class TestAllergies(laws.Laws):
    """Every law, on made-up rows."""

    mapping = allergies
    goldens = GOLDENS / "allergies"
    edges = {  # noqa: RUF012 because the base declares it
        "pid": Edges((), (7, 900), (0, "x")),
        "title": Edges((), ("x", "NKDA", "No known allergies", " a  b"), ("", None, "nul\x00")),
        "diagnosis": Edges(
            (None, ""),
            ("RXNORM:7980", "SNOMED-CT:91936005;ICD10:Z88.0", "LOCAL:9", "409137002"),
            ("RXNORM:7980;", ";", "a  b"),
        ),
        "list_option_id": Edges((None,), ("penicillin", "tree nuts"), (" x", "a  b")),
        "activity": Edges((), (0, 1), (None, 2, "yes")),
        "outcome": Edges((0,), (0,), (1, "x")),
        "verification": Edges(("",), ("confirmed", "entered-in-error"), ("Confirmed", "sure")),
        "reaction": Edges(("",), ("hives", "nausea", "unassigned", "swollen lip"), ("nul\x00",)),
        "severity_al": Edges(
            (None,), ("mild", "severe", "fatal", "unassigned", "mild_to_moderate"), ("nul\x00",)
        ),
    }


ROW = blank(allergies) | {"id": 1, "pid": 2, "title": "Moss", "activity": 1}


def mapped(**columns: object) -> dict[str, Any]:
    """Map a row that maps to one AllergyIntolerance."""
    made = allergies.to_fhir(ROW | columns)
    assert not isinstance(made, Quarantine)
    return made[0]


@pytest.mark.parametrize(
    ("column", "columns"),
    [
        ("pid", {"pid": 0}),
        ("title", {"title": None}),
        ("title", {"diagnosis": "a  b"}),
        ("title", {"list_option_id": " x"}),
        ("activity", {"activity": None}),
        ("activity", {"activity": None, "verification": "confirmed"}),
        ("outcome", {"outcome": 1}),
        ("verification", {"verification": "Confirmed"}),
        ("enddate", {"enddate": "2024-03-10 02:30:00"}),
    ],
)
def test_quarantine_names_the_column(column: str, columns: dict[str, object]) -> None:
    """What FHIR demands and the row lacks or contradicts is quarantined under its column."""
    made = allergies.to_fhir(ROW | columns)
    assert isinstance(made, Quarantine)
    assert column == made.column


@pytest.mark.parametrize("title", ["nkda", "NKDA", "No Known Drug Allergies"])
def test_negation(title: str) -> None:
    """That no drug allergy is known is one coded negation, however the title spells it."""
    code = mapped(title=title)["code"]
    assert ["409137002"] == [coding["code"] for coding in code["coding"]]
    assert title == code["text"]


def test_recorded_negation() -> None:
    """A negation that is recorded as a code is not told twice, and comes back as recorded."""
    row = ROW | {"title": "NKDA", "diagnosis": "SNOMED-CT:409137002"}
    made = mapped(**row)
    assert [{"system": "http://snomed.info/sct", "code": "409137002"}] == made["code"]["coding"]
    assert row == allergies.from_fhir(made, row)


def test_free_text_is_no_negation() -> None:
    """A title that only mentions a negation stays text."""
    assert {"text": "NKDA per mother?"} == mapped(title="NKDA per mother?")["code"]


def test_entered_in_error_in_medplum() -> None:
    """An allergy marked in Medplum as entered in error is marked so in its row, and not active."""
    made = mapped(verification="confirmed")
    del made["clinicalStatus"]
    made["verificationStatus"] = mapped(verification="entered-in-error")["verificationStatus"]
    row = allergies.from_fhir(made, ROW | {"verification": "confirmed"})
    assert (False, "entered-in-error") == (row["activity"], row["verification"])


@pytest.mark.parametrize(
    "elements",
    [
        {"clinicalStatus": {"coding": [{"system": CLINICAL, "code": "gone"}]}},
        {"clinicalStatus": {"text": "active"}},
        {"code": {"coding": [{"system": ALLERGENS, "code": "a"}, {"system": ALLERGENS}]}},
        {"code": {"coding": [{"system": "urn:other", "code": "a"}]}},
        {"reaction": [{"id": "recorded", "manifestation": [{"text": "a"}, {"text": "b"}]}]},
        {"reaction": [{"id": "recorded", "severity": "mild"}]},
        {"onsetDateTime": "2020-01-01T00:00:00-05:00"},
    ],
)
def test_what_columns_cannot_hold(elements: dict[str, object]) -> None:
    """An edit without a place in `lists` is an error, never a guess."""
    with pytest.raises(MappingError):
        allergies.from_fhir(mapped() | elements, ROW)
