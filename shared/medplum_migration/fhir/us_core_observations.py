"""US Core of observations: laboratory results and vital signs, their units and their codes.

Codes are LOINC's, units UCUM's as the value sets of the vital signs list them
(https://hl7.org/fhir/R4/observation-vitalsigns.html).
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

from medplum_migration.fhir.presence import has, is_absent
from medplum_migration.fhir.us_core_rules import has_coding
from medplum_migration.fhir.us_core_versions import since

Node: TypeAlias = dict[str, Any]
Faults: TypeAlias = Iterator[tuple[str, str]]

LABORATORY, VITAL_SIGNS = "laboratory", "vital-signs"

_CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_PARTS = ("value", "unit", "system", "code")
_DAY = len("1980-02-01")

_SYSTOLIC, _DIASTOLIC = "8480-6", "8462-4"
_PRESSURE = "85354-9"
_OXIMETRY = ("59408-5", "2708-6")

VITAL_UNITS: dict[str, str] = {
    "29463-7": "kg g [lb_av]",  # weight
    "8302-2": "cm [in_i]",  # height
    "9843-4": "cm [in_i]",  # head circumference
    "8310-5": "Cel [degF]",  # temperature
    "8867-4": "/min",  # heart rate
    "9279-1": "/min",  # respiratory rate
    "59408-5": "%",  # oxygen saturation by pulse oximetry
    "2708-6": "%",  # oxygen saturation
    "39156-5": "kg/m2",  # body mass index
    "8289-1": "%",  # percentile of head circumference
    "59576-9": "%",  # percentile of body mass index
    "77606-2": "%",  # percentile of weight for length
    _SYSTOLIC: "mm[Hg]",
    _DIASTOLIC: "mm[Hg]",
    "3151-8": "L/min",  # inhaled oxygen flow rate
    "3150-0": "%",  # inhaled oxygen concentration
}
"""The units that a vital sign, or a component of one, may have."""


def kind(observation: Node) -> str:
    """Say which profile an observation belongs to: `laboratory`, `vital-signs`, or none."""
    held = observation.get("category", [])
    if has_coding(held, _CATEGORIES, VITAL_SIGNS) or (not held and _is_vital(observation)):
        return VITAL_SIGNS
    return LABORATORY if has_coding(held, _CATEGORIES, LABORATORY) else ""


def faults(observation: Node, version: str) -> Faults:
    """Give the path and the reason of each fault."""
    found = kind(observation)
    if found == LABORATORY:
        yield from _laboratory(observation, version)
    if found == VITAL_SIGNS:
        yield from _vital_sign(observation)


def _laboratory(node: Node, version: str) -> Faults:
    if not _to_the_day(node):
        yield "effectiveDateTime", "breaks us-core-1"
    if not _answered(node):
        yield "Observation", "breaks us-core-2"
    if _foreign(node.get("valueQuantity", {})):
        yield "valueQuantity.system", "breaks us-core-3"
    for number, found in enumerate(node.get("referenceRange", ())):
        limits = (found.get("low", {}), found.get("high", {}))
        if since(version, "7.0.0") and any(map(_foreign, limits)):
            yield f"referenceRange[{number}]", "breaks us-core-22"


def _vital_sign(node: Node) -> Faults:
    if not _to_the_day(node):
        yield "effectiveDateTime", "breaks vs-1"
    if not _answered(node):
        yield "Observation", "breaks vs-2"
    yield from _quantity(node, "")
    for number, part in enumerate(node.get("component", ())):
        where = f"component[{number}]"
        if not (has(part, "value[x]") or "dataAbsentReason" in part):
            yield where, "breaks vs-3"
        yield from _quantity(part, f"{where}.")
    yield from _codes(node)


def _codes(node: Node) -> Faults:
    own = _loinc(node)
    parts = [code for part in node.get("component", ()) for code in _loinc(part)]
    if _PRESSURE in own and [parts.count(code) for code in (_SYSTOLIC, _DIASTOLIC)] != [1, 1]:
        yield "component", "a blood pressure has one systolic and one diastolic component"
    if own & set(_OXIMETRY) and not own >= set(_OXIMETRY):
        yield "code.coding", f"pulse oximetry has the codes {' and '.join(_OXIMETRY)}"


def _quantity(node: Node, path: str) -> Faults:
    """Check the value of a vital sign or of a component of one."""
    units = {unit for code in _loinc(node) for unit in VITAL_UNITS.get(code, "").split()}
    value, where = node.get("valueQuantity"), f"{path}valueQuantity"
    if value is None:
        if units and has(node, "value[x]"):
            yield f"{path}value[x]", "a quantity is expected"
        return
    if _foreign(value):
        yield f"{where}.system", "not UCUM"
    if units and not is_absent(value):
        yield from ((f"{where}.{name}", "must be there") for name in _PARTS if not has(value, name))
        if value.get("code", min(units)) not in units:
            yield f"{where}.code", f"not a unit of this vital sign: {', '.join(sorted(units))}"


def _loinc(node: Node) -> set[str]:
    codings = node.get("code", {}).get("coding", ())
    return {c.get("code", "") for c in codings if c.get("system") == _LOINC}


def _is_vital(node: Node) -> bool:
    return bool(_loinc(node) & {*VITAL_UNITS, _PRESSURE})


def _to_the_day(node: Node) -> bool:
    return len(node.get("effectiveDateTime", "1980-02-01")) >= _DAY


def _answered(node: Node) -> bool:
    return any(has(node, e) for e in ("value[x]", "dataAbsentReason", "component", "hasMember"))


def _foreign(quantity: Node) -> bool:
    return bool(quantity.get("system", _UCUM) != _UCUM)
