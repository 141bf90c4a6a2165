"""Problems: the laws, with the codes and traps of `lists` as edges."""

from pathlib import Path
from typing import Any

import pytest

from data_elements.problems import OUTCOME, problems
from medplum_migration.domain.errors import MappingError
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


class TestProblems(laws.Laws):
    """Every law, on made-up rows."""

    mapping = problems
    goldens = GOLDENS / "problems"
    edges = {  # noqa: RUF012 because the base declares it
        "pid": Edges((), (7, 900), (0, "x")),
        "title": Edges((), ("x", "5" * 230, " a  b", "Zoë's"), ("", None, "nul\x00")),
        "diagnosis": Edges(
            (None, ""),
            (
                "ICD10:E11.9",
                "ICD10:E11.9;SNOMED-CT:44054006",
                "ICD9:250.00",
                "DSMIV:300.02",
                "E11.9",
            ),
            ("ICD10:E11.9;", " ICD10:E11.9", ";", "a  b"),
        ),
        "activity": Edges((1,), (0, 1), (2, "yes")),
        "outcome": Edges((0,), (2, 4), (1, 9, "x")),
        "begdate": Edges(
            (None,), ("2020-02-29 00:00:00", "2021-03-04 05:06:07"), ("2024-03-10 02:30:00",)
        ),
        "enddate": Edges(
            (None, "0000-00-00 00:00:00"),
            ("2022-03-04 00:00:00", "2022-03-04 05:06:07"),
            ("2024-11-03 01:30:00", "2020-01-01 00:00:00"),
        ),
        "verification": Edges(("",), ("confirmed", "entered-in-error"), ("Confirmed", "sure")),
    }


ROW = blank(problems) | {"id": 1, "pid": 2, "title": "Gout", "activity": 1}


def mapped(**columns: object) -> dict[str, Any]:
    """Map a row that maps to one Condition."""
    made = problems.to_fhir(ROW | columns)
    assert not isinstance(made, Quarantine)
    return made[0]


def codes(concept: dict[str, Any] | None) -> list[str]:
    """List the codes of a concept."""
    return [coding["code"] for coding in (concept or {}).get("coding", [])]


@pytest.mark.parametrize(
    ("column", "columns"),
    [
        ("pid", {"pid": 0}),
        ("title", {"title": " "}),
        ("diagnosis", {"diagnosis": "ICD10:E11.9; ICD10:I10"}),
        ("activity", {"activity": 2}),
        ("activity", {"outcome": 1}),
        ("activity", {"activity": None, "outcome": 4}),
        ("outcome", {"outcome": 17}),
        ("verification", {"verification": "maybe"}),
        ("enddate", {"enddate": "2024-03-10 02:30:00"}),
        ("enddate", {"begdate": "2024-05-02 00:00:00", "enddate": "2024-05-01 00:00:00"}),
    ],
)
def test_quarantine_names_the_column(column: str, columns: dict[str, object]) -> None:
    """What cannot be mapped is quarantined under its column."""
    made = problems.to_fhir(ROW | columns)
    assert isinstance(made, Quarantine)
    assert column == made.column


@pytest.mark.parametrize(
    ("expected", "columns"),
    [
        (["active"], {"activity": 1}),
        (["inactive"], {"activity": 0}),
        (["inactive"], {"activity": 1, "enddate": "2024-05-01 00:00:00"}),
        (["inactive", "4"], {"activity": 0, "outcome": 4}),
        (["resolved"], {"activity": 0, "outcome": 1}),
        (["resolved"], {"activity": 1, "outcome": 1, "enddate": "2024-05-01 00:00:00"}),
        ([], {"activity": None}),
        ([], {"activity": 1, "verification": "entered-in-error"}),
    ],
)
def test_clinical_status(expected: list[str], columns: dict[str, object]) -> None:
    """Activity, outcome and end make up the clinical status, and none is guessed (con-4, con-5)."""
    assert expected == codes(mapped(**columns).get("clinicalStatus"))


def test_entered_in_error_has_no_abatement() -> None:
    """What was entered in error keeps its title, but neither status nor end."""
    made = mapped(verification="entered-in-error", enddate="2024-05-01 00:00:00")
    assert {"clinicalStatus", "abatementDateTime"}.isdisjoint(made)
    assert "Gout" == made["code"]["text"]


def test_long_title_survives() -> None:
    """A title of 230 characters goes and comes back whole."""
    title = "Gout, " * 38 + "!!"
    row = ROW | {"title": title}
    assert title == mapped(title=title)["code"]["text"]
    assert title == problems.from_fhir(mapped(title=title), ROW)["title"]
    assert row == problems.from_fhir(mapped(title=title), row)


@pytest.mark.parametrize(
    "elements",
    [
        {"code": {"text": "x" * 256}},
        {"code": {"text": "x", "coding": [{"system": "https://other.example", "code": "1"}]}},
        {
            "code": {
                "text": "x",
                "coding": [{"system": "http://snomed.info/sct", "code": "1" * 256}],
            }
        },
        {"clinicalStatus": {"coding": [{"system": CLINICAL, "code": "relapse"}]}},
        {"clinicalStatus": {"text": "better"}},
        {"verificationStatus": {"coding": [{"system": VERIFICATION, "code": "provisional"}]}},
        {"abatementDateTime": "2024-05-01"},
    ],
)
def test_what_columns_cannot_hold(elements: dict[str, object]) -> None:
    """An edit without a place in `lists` is an error, never cut short or guessed."""
    with pytest.raises(MappingError):
        problems.from_fhir(mapped() | elements, ROW)


def test_resolved_in_medplum() -> None:
    """A problem resolved in Medplum is over in the legacy store, its old outcome replaced."""
    status = {
        "coding": [{"system": CLINICAL, "code": "resolved"}, {"system": OUTCOME, "code": "4"}]
    }
    edited = mapped(outcome=4) | {"clinicalStatus": status, "abatementDateTime": "2024-05-01"}
    row = problems.from_fhir(edited, ROW | {"outcome": 4})
    assert (False, 1, "2024-05-01 00:00:00") == (
        row["activity"],
        row["outcome"],
        str(row["enddate"]),
    )


def test_codes_removed_in_medplum() -> None:
    """A code removed in Medplum leaves the column empty."""
    row = ROW | {"diagnosis": "ICD10:M10.9"}
    assert problems.from_fhir(mapped() | {"code": {"text": "Gout"}}, row)["diagnosis"] is None
