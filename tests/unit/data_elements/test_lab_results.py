"""Laboratory results: the laws, what `result` can hold as edges, and its traps."""

from decimal import Decimal
from pathlib import Path

import pytest

from data_elements.lab_results import UNIT, lab_results
from medplum_migration.fhir.strict import validate
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
OFFSET = Edges(("",), ("-0500", "+0000", "+0530"), ("EST", "-05:00"))


class TestLabResults(laws.Laws):
    """Every law, on made-up rows."""

    mapping = lab_results
    goldens = GOLDENS / "lab_results"
    edges = {  # noqa: RUF012 because the base declares it
        "patient_id": Edges((), (7, "8"), (0, None)),
        "procedure_order_id": Edges((), (5, 6), (None,)),
        "procedure_order_seq": Edges((), (1, 2), (None,)),
        "procedure_order_type": Edges((), ("laboratory_test",), ("imaging", "")),
        "result_status": Edges((), ("final", "prelim", "correct"), ("", "error", "incomplete")),
        "result_text": Edges((), ("Glucose", "Zoë's marker"), ("", "nul\x00")),
        "result_code": Edges(("",), ("2345-7", "HOUSE1"), ("nul\x00",)),
        "result": Edges(("",), ("7.10", "<5", ">= 100", "POS", "1,200"), ("nul\x00",)),
        "units": Edges(("",), ("mg/dL", "MG/DL", "arb. units", " % "), ("nul\x00",)),
        "result_data_type": Edges(("",), ("N", "S", "L", "F", "E"), ("nul\x00",)),
        "comments": Edges((None, ""), ("first line\nsecond", "\n\nlate\n", "x"), ("nul\x00",)),
        "abnormal": Edges(("",), ("no", "yes", "high", "low", "vhigh", "vlow", "AA"), ("\x07",)),
        "date_collected_tz": OFFSET,
        "date_report_tz": OFFSET,
    }


ROW = blank(lab_results) | {
    "procedure_result_id": 4,
    "procedure_order_id": 5,
    "procedure_order_seq": 1,
    "procedure_order_type": "laboratory_test",
    "patient_id": 7,
    "result_status": "final",
    "result_data_type": "N",
    "result_text": "Glucose",
}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("patient_id", None),
        ("procedure_order_type", "imaging"),
        ("procedure_order_type", None),
        ("result_status", ""),
        ("result_status", "error"),
        ("result_code", ""),
        ("date", "2024-11-03 01:30:00"),
        ("date_report_tz", "EST"),
        ("procedure_order_id", None),
    ],
)
def test_quarantine_names_the_column(column: str, value: object) -> None:
    """A result of nobody, of nothing, in an unknown state or at no time is quarantined."""
    row = ROW | {"result_text": "" if column == "result_code" else "Glucose"}
    made = lab_results.to_fhir(row | {"date_report": "2024-07-01 09:00:00", column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_a_result_without_its_report() -> None:
    """A result whose report is gone has no patient, and says so."""
    orphan = blank(lab_results) | {"procedure_result_id": 4, "result_status": "final"}
    made = lab_results.to_fhir(orphan | {"result_text": "Glucose"})
    assert isinstance(made, Quarantine)
    assert "patient_id" == made.column


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"value": Decimal("7.10")}, {"result": "7.10"}),
        ({"value": Decimal(100), "comparator": ">="}, {"result": ">= 100"}),
        ("1,200", {"result": "1,200"}),
        ("1:40", {"result": "1:40", "result_data_type": "S"}),
        ("3", {"result": "3", "result_data_type": "S"}),
        ("POS arb. units", {"result": "POS", "units": "arb. units"}),
        ("late", {"result_data_type": "L", "comments": "\nlate\n"}),
    ],
)
def test_values(expected: object, said: dict[str, str]) -> None:
    """Plain numbers are quantities with their digits; all else stays text, word for word."""
    made = lab_results.to_fhir(ROW | said)
    assert not isinstance(made, Quarantine)
    assert expected == made[0].get("valueQuantity", made[0].get("valueString"))
    assert "dataAbsentReason" not in made[0]
    linked = [{"reference": "ServiceRequest/1"}]
    subject = {"reference": "Patient/1"}
    validate(made[0] | {"basedOn": linked, "subject": subject}, us_core="6.1.0")


def test_units_are_told_apart_by_case() -> None:
    """Only spellings in the reviewed table get a UCUM code, and its inverse is clear."""
    assert "m[IU]/L" == UNIT.decode("mIU/L")
    assert "MIU/L" not in UNIT.forward
    assert set(UNIT.inverse) == {row.code for row in UNIT.rows}
