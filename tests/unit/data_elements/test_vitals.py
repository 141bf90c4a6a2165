"""Vital signs: the laws, with what `form_vitals` can hold as edges, and its traps."""

from pathlib import Path

import pytest

from data_elements.vitals import vitals
from medplum_migration.domain.errors import MappingError
from medplum_migration.fhir.strict import validate
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import NEW_YORK_TIME, Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
PERCENT = Edges((0, "0.00", None), ("97.50", 100, 1), (100.5, -1, "x"))
PRESSURE = Edges(("0", "", None), ("120", "98.5", 70), ("120/80", "n/a", -4))


class TestVitals(laws.Laws):
    """Every law, on made-up rows."""

    mapping = vitals
    goldens = GOLDENS / "vitals"
    edges = {  # noqa: RUF012 because the base declares it
        "pid": Edges((), (7, "7"), (0, None, "x", 8)),
        "form_pid": Edges((), (7, "7"), (0, None, 8)),
        "date": Edges((), NEW_YORK_TIME.good, (*NEW_YORK_TIME.bad, *NEW_YORK_TIME.missing)),
        "pulse": Edges((0, "0.000000"), ("64.000000", 72), (-1,)),
        "bps": PRESSURE,
        "bpd": PRESSURE,
        "oxygen_saturation": PERCENT,
        "inhaled_oxygen_concentration": PERCENT,
        "ped_weight_height": PERCENT,
        "ped_bmi": PERCENT,
        "ped_head_circ": PERCENT,
    }


ROW = blank(vitals) | {
    "id": 1,
    "pid": 7,
    "form_pid": 7,
    "date": "2024-07-01 09:30:00",
    "pulse": "64.000000",
}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pid", 0),
        ("pid", 8),
        ("date", None),
        ("date", "0000-00-00 00:00:00"),
        ("date", "2024-11-03 01:30:00"),
        ("bps", "120/80"),
        ("bpd", "n/a"),
        ("weight", "-1.000000"),
        ("oxygen_saturation", "970.00"),
    ],
)
def test_quarantine_names_the_column(column: str, value: object) -> None:
    """A row without patient or time, or with what is no measurement, is quarantined."""
    made = vitals.to_fhir(ROW | {column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_nobody_is_measured() -> None:
    """Signs whose patient neither table names are quarantined."""
    made = vitals.to_fhir(ROW | {"pid": 0, "form_pid": None})
    assert isinstance(made, Quarantine)
    assert ("pid", "no patient") == (made.column, made.why)


def test_a_form_without_measurements_gives_nothing() -> None:
    """Zeros are no measurements, whoever signed the form."""
    assert () == vitals.to_fhir(ROW | {"pulse": 0, "note": "refused", "temp_method": "Oral"})


def test_us_core() -> None:
    """Whole and half measurements meet the profiles of the vital signs."""
    row = ROW | {"bps": "120", "weight": 170, "oxygen_saturation": 97, "oxygen_flow_rate": 2}
    made = vitals.to_fhir(row)
    assert not isinstance(made, Quarantine)
    assert 4 == len(made)
    for resource in made:
        subject = resource["subject"] | {"reference": "Patient/1"}
        validate(resource | {"subject": subject}, us_core="6.1.0")


@pytest.mark.parametrize(
    ("part", "edit"),
    [
        ("blood-pressure", {"component": [{"id": "systolic", "valueQuantity": {"value": 16}}]}),
        ("weight", {"valueQuantity": {"value": 77, "code": "kg"}}),
        ("temperature", {"method": {"text": "Oral"}}),
    ],
)
def test_what_columns_cannot_hold(part: str, edit: dict[str, object]) -> None:
    """Another unit, or a method of no temperature, is an error and never a guess."""
    identifier = [{"system": f"{vitals.system}/{part}", "value": "1"}]
    resource = {"resourceType": "Observation", "identifier": identifier, **edit}
    with pytest.raises(MappingError):
        vitals.from_fhir(resource, ROW)


def test_an_edit_reaches_its_column_only() -> None:
    """A weight corrected in Medplum changes the weight, whatever else the form holds."""
    row = ROW | {"weight": "170.000000", "bps": "120"}
    made = vitals.to_fhir(row)
    assert not isinstance(made, Quarantine)
    weight = next(held for held in made if vitals.shape_of(held).name == "weight")
    weight["valueQuantity"]["value"] = 168
    assert row | {"weight": 168} == vitals.from_fhir(weight, row)
