"""The vital signs of `form_vitals`, each a part of its row: columns, units and codes.

Codes are those of https://hl7.org/fhir/R4/observation-vitalsigns.html, units UCUM's.
"""

from decimal import Decimal
from typing import Any

from medplum_migration.mapping.field import Constant, Field, Pair, refuse
from medplum_migration.mapping.part import Part
from medplum_migration.mapping.quantity import quantity

_LOINC, _SNOMED_CT = "http://loinc.org", "http://snomed.info/sct"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_UNKNOWN = {"coding": [{"system": _ABSENT, "code": "unknown", "display": "Unknown"}]}


def _plain(number: Decimal) -> Decimal:
    """Drop the zeros that a column of six decimals adds: 98.600000 is 98.6."""
    whole = number.to_integral_value()
    return whole if number == whole else number.normalize()


def _measure(code: str, unit: str = "", *, most: int = 0) -> Pair:
    """Map a measured number to a quantity; one below 0 or above `most` is no measurement."""
    there, back = quantity(code, unit=unit)

    def to(number: Decimal) -> Any:  # noqa: ANN401 because FHIR values are JSON
        if number < 0 or (most and number > most):
            refuse("no possible measurement")
        return there(_plain(number))

    return Pair(to, back)


_POUNDS, _INCHES, _DEGREES = (
    _measure("[lb_av]", "lb"),
    _measure("[in_i]", "in"),
    _measure("[degF]", "°F"),
)
_MMHG, _RATE, _PERCENT = _measure("mm[Hg]", "mmHg"), _measure("/min"), _measure("%", most=100)


def _pressure(systolic: Decimal | None, diastolic: Decimal | None) -> tuple[Any, ...]:
    """Give of each half the value, or the reason why there is none."""
    halves = [(None, _UNKNOWN) if n is None else (_MMHG.to(n), None) for n in (systolic, diastolic)]
    return (*halves[0], *halves[1])


def _pressure_back(
    systolic: dict[str, Any] | None, _: object, diastolic: dict[str, Any] | None, __: object
) -> tuple[Decimal | None, ...]:
    return tuple(None if held is None else _MMHG.back(held) for held in (systolic, diastolic))


def _temperature(number: Decimal | None, method: str | None) -> tuple[Any, str | None]:
    return (None, None) if number is None else (_DEGREES.to(number), method)


def _temperature_back(held: dict[str, Any] | None, method: str | None) -> tuple[Any, str | None]:
    if held is None:
        refuse("a method without a temperature")
    return _DEGREES.back(held), method


def _code(path: str, text: str, *codes: tuple[str, str], system: str = _LOINC) -> Constant:
    codings = [{"system": system, "code": code, "display": display} for code, display in codes]
    return Constant(path, {"coding": codings, "text": text})


def _one(name: str, column: str, pair: Pair, code: Constant) -> Part:
    """Make the part of a vital sign that is one number."""
    return Part(name, Field(column, "valueQuantity", *pair), code)


PARTS = (
    Part(
        "blood-pressure",
        Field(
            ("bps", "bpd"),
            (
                "component[id=systolic].valueQuantity",
                "component[id=systolic].dataAbsentReason",
                "component[id=diastolic].valueQuantity",
                "component[id=diastolic].dataAbsentReason",
            ),
            _pressure,
            _pressure_back,
            why="half a blood pressure says of its other half that it is unknown",
        ),
        _code(
            "code", "Blood pressure", ("85354-9", "Blood pressure panel with all children optional")
        ),
        _code("component[id=systolic].code", "Systolic", ("8480-6", "Systolic blood pressure")),
        _code("component[id=diastolic].code", "Diastolic", ("8462-4", "Diastolic blood pressure")),
    ),
    _one("weight", "weight", _POUNDS, _code("code", "Weight", ("29463-7", "Body weight"))),
    _one("height", "height", _INCHES, _code("code", "Height", ("8302-2", "Body height"))),
    Part(
        "temperature",
        Field(
            ("temperature", "temp_method"),
            ("valueQuantity", "method.text"),
            _temperature,
            _temperature_back,
            lossy=True,
            why="a method without a temperature, as the form leaves it behind, says nothing",
        ),
        _code("code", "Temperature", ("8310-5", "Body temperature")),
    ),
    _one("pulse", "pulse", _RATE, _code("code", "Pulse", ("8867-4", "Heart rate"))),
    _one(
        "respiration",
        "respiration",
        _RATE,
        _code("code", "Respiration", ("9279-1", "Respiratory rate")),
    ),
    _one(
        "bmi",
        "BMI",
        _measure("kg/m2"),
        _code("code", "BMI", ("39156-5", "Body mass index (BMI) [Ratio]")),
    ),
    Part(
        "oxygen-saturation",
        Field("oxygen_saturation", "valueQuantity", *_PERCENT),
        Field("oxygen_flow_rate", "component[id=flow].valueQuantity", *_measure("L/min")),
        Field("inhaled_oxygen_concentration", "component[id=inhaled].valueQuantity", *_PERCENT),
        _code(
            "code",
            "Oxygen saturation",
            ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
            ("2708-6", "Oxygen saturation in Arterial blood"),
        ),
        _code("component[id=flow].code", "Oxygen flow", ("3151-8", "Inhaled oxygen flow rate")),
        _code(
            "component[id=inhaled].code",
            "Inhaled oxygen",
            ("3150-6", "Inhaled oxygen concentration"),
        ),
    ),
    _one(
        "head-circumference",
        "head_circ",
        _INCHES,
        _code("code", "Head circumference", ("9843-4", "Head Occipital-frontal circumference")),
    ),
    _one(
        "waist-circumference",
        "waist_circ",
        _INCHES,
        _code(
            "code",
            "Waist circumference",
            ("276361009", "Waist circumference"),
            system=_SNOMED_CT,
        ),
    ),
    _one(
        "weight-for-length-percentile",
        "ped_weight_height",
        _PERCENT,
        _code(
            "code",
            "Weight for length percentile",
            ("77606-2", "Weight-for-length Per age and sex"),
        ),
    ),
    _one(
        "bmi-percentile",
        "ped_bmi",
        _PERCENT,
        _code(
            "code",
            "BMI percentile",
            ("59576-9", "Body mass index (BMI) [Percentile] Per age and sex"),
        ),
    ),
    _one(
        "head-circumference-percentile",
        "ped_head_circ",
        _PERCENT,
        _code(
            "code",
            "Head circumference percentile",
            ("8289-1", "Head Occipital-frontal circumference Percentile"),
        ),
    ),
)
"""What a row of `form_vitals` gives, each while its own columns say something."""
