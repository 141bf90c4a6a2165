"""Documents: the laws, with the codes and traps of `form_clinical_notes` as edges."""

import base64
from pathlib import Path
from typing import Any

import pytest

from data_elements.documents import documents
from medplum_migration.domain.errors import MappingError
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"


class TestDocuments(laws.Laws):
    """Every law, on made-up rows."""

    mapping = documents
    goldens = GOLDENS / "documents"
    edges = {  # noqa: RUF012 because the base declares it
        "pid": Edges((), (7, 900), (0, "x")),
        "encounter": Edges((None, "", "0"), ("3001",), ("visit 3",)),
        "description": Edges((), ("x", "Zoë's\nnote", "5" * 230), ("", None, "nul\x00")),
        "code": Edges((None, ""), ("LOINC:11506-3", "MY_CODE", "LOINC:"), (" x", "LOINC: 1")),
        "clinical_notes_type": Edges((None, ""), ("progress_note", "My note"), ("nul\x00",)),
        "clinical_notes_category": Edges((None,), ("radiology", "Outdoors"), ("nul\x00",)),
        "activity": Edges((), (0, 1), (None, 2)),
        "form_deleted": Edges((None,), (0, 1), (2,)),
    }


ROW = blank(documents) | {"id": 1, "pid": 2, "description": "ok", "activity": 1}


def mapped(**columns: object) -> dict[str, Any]:
    """Map a row that maps to one DocumentReference."""
    made = documents.to_fhir(ROW | columns)
    assert not isinstance(made, Quarantine)
    return made[0]


@pytest.mark.parametrize(
    ("column", "columns"),
    [
        ("pid", {"pid": None}),
        ("description", {"description": None}),
        ("description", {"description": " ", "date": "2024-01-01"}),
        ("activity", {"activity": None}),
        ("activity", {"activity": None, "form_deleted": 0}),
        ("code", {"code": " x"}),
        ("encounter", {"encounter": "visit 3"}),
    ],
)
def test_quarantine_names_the_column(column: str, columns: dict[str, object]) -> None:
    """A note without patient, text or state is quarantined under its column."""
    made = documents.to_fhir(ROW | columns)
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_text_is_whole() -> None:
    """The attachment holds the bytes of the text, blanks and all, and says how many."""
    text = "  Zoë\n\n ok "
    attachment = mapped(description=text)["content"][0]["attachment"]
    assert text.encode() == base64.b64decode(attachment["data"])
    assert len(text.encode()) == attachment["size"]


def test_two_loinc_codes() -> None:
    """A LOINC code that differs from that of the list stands before it."""
    made = mapped(code="LOINC:11488-4", clinical_notes_type="progress_note")
    held = [coding["code"] for coding in made["type"]["coding"]]
    assert ["11488-4", "11506-3", "progress_note"] == held


def test_one_way() -> None:
    """Nothing is written back into a note."""
    with pytest.raises(MappingError):
        documents.from_fhir(mapped(), ROW)
