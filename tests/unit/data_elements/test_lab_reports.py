"""Laboratory reports: the laws, with states and results as edges, and the traps of their tables."""

from pathlib import Path

import pytest

from data_elements.lab_reports import lab_reports
from medplum_migration.fhir.strict import validate
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import NEW_YORK_TIME, Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
OFFSET = Edges(("",), ("-0500", "+0000"), ("EST",))
TIME = Edges((), NEW_YORK_TIME.good, (*NEW_YORK_TIME.bad, None))


class TestLabReports(laws.Laws):
    """Every law, on made-up rows."""

    mapping = lab_reports
    goldens = GOLDENS / "lab_reports"
    edges = {  # noqa: RUF012 because the base declares it
        "patient_id": Edges((), (7, "8"), (0, None)),
        "procedure_order_id": Edges((), (5, 6), (None,)),
        "procedure_order_seq": Edges((), (1, "2"), (None,)),
        "procedure_order_type": Edges((), ("laboratory_test",), ("imaging", "")),
        "procedure_name": Edges((), ("Glucose", "Zoë's panel"), ("", "nul\x00")),
        "procedure_code": Edges(("",), ("2345-7", "HOUSE1"), ("nul\x00",)),
        "report_status": Edges((), ("complete", "final", "prelim", "correct"), ("", "received")),
        "date_collected": TIME,
        "date_report": TIME,
        "date_collected_tz": OFFSET,
        "date_report_tz": OFFSET,
        "results": Edges(
            (None, []),
            ([{"procedure_result_id": 3}], [{"procedure_result_id": n} for n in (3, 4)]),
            ([{"procedure_result_id": None}], "3"),
        ),
    }


ROW = blank(lab_reports) | {
    "procedure_report_id": 5,
    "procedure_order_id": 5,
    "procedure_order_seq": 1,
    "procedure_order_type": "laboratory_test",
    "procedure_name": "Glucose",
    "patient_id": 7,
    "report_status": "final",
    "date_collected": "2024-07-01 07:00:00",
    "date_report": "2024-07-01 09:00:00",
}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("patient_id", None),
        ("procedure_order_id", None),
        ("procedure_order_type", "imaging"),
        ("procedure_order_type", None),
        ("report_status", ""),
        ("report_status", "error"),
        ("procedure_code", ""),
        ("date_collected", None),
        ("date_report", "0000-00-00 00:00:00"),
        ("date_report_tz", "-05:00"),
    ],
)
def test_quarantine_names_the_column(column: str, value: object) -> None:
    """A report of nobody, on nothing, in an unknown state or without its times is quarantined."""
    name = "" if column == "procedure_code" else "Glucose"
    made = lab_reports.to_fhir(ROW | {"procedure_name": name, column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_us_core() -> None:
    """A final report meets the profile of laboratory reports."""
    made = lab_reports.to_fhir(ROW)
    assert not isinstance(made, Quarantine)
    linked = {
        "subject": {"reference": "Patient/1"},
        "basedOn": [{"reference": "ServiceRequest/1"}],
    }
    validate(made[0] | linked, us_core="6.1.0")


def test_references_are_acyclic() -> None:
    """A report refers to results and orders, and neither of them to reports."""
    seen = {parent.element for parent in lab_reports.parents}
    assert {"lab_results", "lab_orders", "patients", "encounters"} == seen
    further = {above.element for parent in lab_reports.parents for above in parent.parents}
    assert "lab_reports" not in further
