"""US Core of observations: laboratory results, vital signs, units, codes."""

from typing import Any

import pytest

from medplum_migration.domain.data_element import Resource
from medplum_migration.fhir.us_core_observations import VITAL_UNITS, faults, kind
from tests.unit.medplum_migration.fhir.us_core_examples import (
    LABORATORY,
    PRESSURE,
    UCUM,
    WEIGHT,
    category,
    loinc,
    quantity,
)


def changed(whole: Resource, **elements: Any) -> Resource:
    """Change elements; those that become None are left out."""
    return {name: value for name, value in (whole | elements).items() if value is not None}


WEIGHED = quantity(72.5, "kg")

FAULTS: dict[str, tuple[Resource, str, str]] = {
    "month of a result": (
        changed(LABORATORY, effectiveDateTime="2020-02"),
        "effectiveDateTime",
        "breaks us-core-1",
    ),
    "no result": (changed(LABORATORY, valueQuantity=None), "Observation", "breaks us-core-2"),
    "result not in UCUM": (
        changed(LABORATORY, valueQuantity={"value": 1, "system": "urn:x", "code": "x"}),
        "valueQuantity.system",
        "breaks us-core-3",
    ),
    "range not in UCUM": (
        changed(LABORATORY, referenceRange=[{}, {"high": {"value": 1, "system": "urn:x"}}]),
        "referenceRange[1]",
        "breaks us-core-22",
    ),
    "year of a vital sign": (
        changed(WEIGHT, effectiveDateTime="2020"),
        "effectiveDateTime",
        "breaks vs-1",
    ),
    "no value": (changed(WEIGHT, valueQuantity=None), "Observation", "breaks vs-2"),
    "no value of a component": (
        changed(PRESSURE, component=[{"code": loinc("8480-6")}, PRESSURE["component"][1]]),
        "component[0]",
        "breaks vs-3",
    ),
    "text for a weight": (
        changed(WEIGHT, valueQuantity=None, valueString="x"),
        "value[x]",
        "a quantity is expected",
    ),
    "no unit": (
        changed(WEIGHT, valueQuantity={"value": 1, "system": UCUM, "code": "kg"}),
        "valueQuantity.unit",
        "must be there",
    ),
    "no coded unit": (
        changed(WEIGHT, valueQuantity={"value": 1, "unit": "kg", "system": UCUM}),
        "valueQuantity.code",
        "must be there",
    ),
    "unit of no system": (
        changed(WEIGHT, valueQuantity={"value": 1, "unit": "kg", "code": "kg"}),
        "valueQuantity.system",
        "must be there",
    ),
    "unit of another system": (
        changed(WEIGHT, valueQuantity=WEIGHED | {"system": "urn:x"}),
        "valueQuantity.system",
        "not UCUM",
    ),
    "unit of another vital sign": (
        changed(WEIGHT, valueQuantity=quantity(1, "cm")),
        "valueQuantity.code",
        "not a unit of this vital sign: [lb_av], g, kg",
    ),
    "unit spelt otherwise": (
        changed(WEIGHT, valueQuantity=quantity(1, "lbs")),
        "valueQuantity.code",
        "not a unit of this vital sign: [lb_av], g, kg",
    ),
    "pressure in another unit": (
        changed(
            PRESSURE,
            component=[
                {"code": loinc("8480-6"), "valueQuantity": quantity(1, "kPa")},
                PRESSURE["component"][1],
            ],
        ),
        "component[0].valueQuantity.code",
        "not a unit of this vital sign: mm[Hg]",
    ),
    "pressure of one component": (
        changed(PRESSURE, component=PRESSURE["component"][:1]),
        "component",
        "a blood pressure has one systolic and one diastolic component",
    ),
    "pressure with two systolic components": (
        changed(PRESSURE, component=[PRESSURE["component"][0], *PRESSURE["component"]]),
        "component",
        "a blood pressure has one systolic and one diastolic component",
    ),
    "pressure of none": (
        changed(PRESSURE, component=None, valueString="120/80"),
        "component",
        "a blood pressure has one systolic and one diastolic component",
    ),
    "one code of oximetry": (
        changed(WEIGHT, code=loinc("59408-5"), valueQuantity=quantity(98, "%")),
        "code.coding",
        "pulse oximetry has the codes 59408-5 and 2708-6",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults(case: str) -> None:
    """A fault is told by path and reason, alone."""
    observation, path, reason = FAULTS[case]
    assert [(path, reason)] == list(faults(observation, "8.0.0"))


@pytest.mark.parametrize("case", [case for case in FAULTS if case != "range not in UCUM"])
def test_faults_of_the_first_version(case: str) -> None:
    """All but the reference ranges are checked since the first version."""
    assert 1 == len(list(faults(FAULTS[case][0], "5.0.1")))
    assert [] == list(faults(FAULTS["range not in UCUM"][0], "6.1.0"))


PASS: dict[str, Resource] = {
    "weight": WEIGHT,
    "pounds": changed(WEIGHT, valueQuantity=quantity(1, "[lb_av]")),
    "not weighed": changed(WEIGHT, valueQuantity=None, dataAbsentReason={"text": "x"}),
    "over a period": changed(WEIGHT, effectiveDateTime=None, effectivePeriod={"start": "2020"}),
    "pressure": PRESSURE,
    "oximetry": changed(WEIGHT, code=loinc("59408-5", "2708-6"), valueQuantity=quantity(98, "%")),
    "vital sign of another code": changed(
        WEIGHT, code={"text": "x"}, valueQuantity=quantity(1, "m")
    ),
    "unit in words for a vital sign of another code": changed(
        WEIGHT, code={"text": "x"}, valueQuantity={"value": 1, "unit": "x"}
    ),
    "oxygen flow": changed(
        WEIGHT,
        code=loinc("59408-5", "2708-6"),
        valueQuantity=quantity(98, "%"),
        component=[
            {"code": loinc("3151-8"), "valueQuantity": quantity(2, "L/min")},
            {"code": loinc("3150-0"), "valueQuantity": quantity(40, "%")},
        ],
    ),
    "words for a vital sign of another code": changed(
        WEIGHT, code={"text": "x"}, valueQuantity=None, valueString="x"
    ),
    "result": LABORATORY,
    "result in words": changed(LABORATORY, valueQuantity=None, valueString="x"),
    "result without a coded unit": changed(LABORATORY, valueQuantity={"value": 1, "unit": "x"}),
    "panel": changed(LABORATORY, valueQuantity=None, hasMember=[{}]),
    "social history": changed(WEIGHT, category=category("social-history"), valueQuantity=None),
}


@pytest.mark.parametrize("case", PASS)
def test_pass(case: str) -> None:
    """What keeps to its profile has no faults."""
    assert [] == list(faults(PASS[case], "8.0.0"))


@pytest.mark.parametrize(
    ("found", "observation"),
    [
        ("laboratory", LABORATORY),
        ("vital-signs", WEIGHT),
        ("vital-signs", changed(WEIGHT, category=None)),
        ("vital-signs", changed(PRESSURE, category=None)),
        ("", changed(LABORATORY, category=None)),
        ("", changed(WEIGHT, category=category("exam"))),
        ("", changed(WEIGHT, category=None, code={"text": "x"})),
    ],
)
def test_kind(found: str, observation: Resource) -> None:
    """The category tells the profile; without one, the code of a vital sign does."""
    assert found == kind(observation)


@pytest.mark.parametrize("code", VITAL_UNITS)
def test_codes_are_loinc(code: str) -> None:
    """Each code has the check digit that LOINC gives it."""
    number, _, check = code.partition("-")
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in number[::-2]]
    total = sum(doubled) + sum(int(digit) for digit in number[-2::-2])
    assert 0 == (total + int(check)) % 10
