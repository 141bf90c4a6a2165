"""What Synthea's elements refuse: under which column, and that no value is guessed."""

import json
from pathlib import Path
from typing import Any

import pytest

from examples.synthea.elements import MAPPINGS
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import blank

GOLDENS = Path(__file__).parent / "goldens"
ELEMENTS = {mapping.element: mapping for mapping in MAPPINGS}


def golden(element: str) -> dict[str, Any]:
    """Read the first golden row of an element, whole."""
    case = min((GOLDENS / element).glob("*.legacy.json"))
    row: dict[str, Any] = json.loads(case.read_text())["row"]
    return blank(ELEMENTS[element]) | row


@pytest.mark.parametrize(
    ("element", "column", "value"),
    [
        ("practitioners", "NAME", "Oak"),
        ("practitioners", "NAME", "Ann Belle Oak"),
        ("practitioners", "GENDER", "X"),
        ("locations", "LAT", ""),
        ("patients", "BIRTHDATE", "1980-02-30"),
        ("encounters", "ENCOUNTERCLASS", "daycare"),
        ("encounters", "START", "2024-01-31"),
        ("encounters", "STOP", "2024-01-31T09:04:59Z"),
        ("conditions", "PATIENT", ""),
        ("allergies", "SYSTEM", "Unknown"),
        ("allergies", "REACTION1", ""),
        ("allergies", "SEVERITY1", "BAD"),
        ("medications", "CODE", ""),
        ("observations", "CATEGORY", "therapy"),
        ("observations", "TYPE", "code"),
        ("observations", "VALUE", ""),
        ("observation_panels", "PANEL", "1234-5"),
        ("observation_panels", "ENCOUNTER", ""),
        ("imaging_studies", "SOP_CODE", "1.2"),
        ("devices", "UDI", "(01)123"),
        ("claims", "LASTBILLEDDATE1", ""),
    ],
)
def test_refused(element: str, column: str, value: str) -> None:
    """A row with one unfit cell is quarantined under that cell's column."""
    made = ELEMENTS[element].to_fhir(golden(element) | {column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_a_number_must_be_one() -> None:
    """A numeric value that is no number is refused, not kept as text."""
    row = golden("observations") | {"TYPE": "numeric", "VALUE": "high"}
    made = ELEMENTS["observations"].to_fhir(row)
    assert isinstance(made, Quarantine)
    assert ("VALUE", "not a number") == (made.column, made.why)
