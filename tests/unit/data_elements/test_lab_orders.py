"""Orders: the laws, with the codes of `procedure_order` as edges, and its traps."""

from pathlib import Path

import pytest

from data_elements.lab_orders import lab_orders
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"


class TestLabOrders(laws.Laws):
    """Every law, on made-up rows."""

    mapping = lab_orders
    goldens = GOLDENS / "lab_orders"
    edges = {  # noqa: RUF012 because the base declares it
        "patient_id": Edges((), (7, "8"), (0, None)),
        "procedure_name": Edges((), ("Glucose", "Zoë's panel"), ("", "nul\x00")),
        "procedure_code": Edges(("",), ("2345-7", "HOUSE1", "a  b"), ("nul\x00",)),
        "order_status": Edges((), ("pending", "routed", "complete", "canceled"), ("", "sent")),
        "order_intent": Edges((), ("order", "plan", "option"), ("", "wish")),
        "order_priority": Edges(("",), ("normal", "high", "stat"), ("now",)),
        "procedure_order_type": Edges(("",), ("laboratory_test", "imaging", "order"), ("nul\x00",)),
        "diagnoses": Edges((None, ""), ("ICD10:E11.9;ICD10:I10", "fever"), ("nul\x00",)),
    }


ROW = blank(lab_orders) | {
    "procedure_order_id": 5,
    "procedure_order_seq": 1,
    "patient_id": 7,
    "order_status": "pending",
    "order_intent": "order",
    "activity": 1,
    "procedure_name": "Glucose",
}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("patient_id", None),
        ("order_status", ""),
        ("order_status", "Complete"),
        ("order_intent", ""),
        ("order_priority", "now"),
        ("procedure_code", ""),
        ("date_ordered", "2024-03-10 02:30:00"),
    ],
)
def test_quarantine_names_the_column(column: str, value: object) -> None:
    """An order of nobody, of nothing or in an unknown state is quarantined."""
    name = "" if column == "procedure_code" else "Glucose"
    made = lab_orders.to_fhir(ROW | {"procedure_name": name, column: value})
    assert isinstance(made, Quarantine)
    assert ("5|1", column) == (made.key, made.column)


def test_a_test_without_its_order() -> None:
    """A line whose head is gone has no patient, and says so."""
    made = lab_orders.to_fhir(
        blank(lab_orders) | {"procedure_order_id": 5, "procedure_order_seq": 1}
    )
    assert isinstance(made, Quarantine)
    assert "patient_id" == made.column


def test_an_order_without_state() -> None:
    """Neither status nor deletion: the status is not guessed."""
    made = lab_orders.to_fhir(ROW | {"order_status": "", "activity": None})
    assert isinstance(made, Quarantine)
    assert "order_status" == made.column
