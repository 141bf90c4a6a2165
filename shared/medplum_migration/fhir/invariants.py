"""Invariants of FHIR R4 that the models do not check and the server not always, each by its key."""

from collections.abc import Callable
from typing import Any, TypeAlias

from medplum_migration.fhir.presence import has
from medplum_migration.fhir.primitives import INSTANT, instant

Node: TypeAlias = dict[str, Any]
Invariant: TypeAlias = Callable[[Node], bool]

_UNPLANNED = frozenset(("proposed", "cancelled", "waitlist"))
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_CLINICAL = f"{_TERMINOLOGY}condition-clinical"
_CONDITION = f"{_TERMINOLOGY}condition-ver-status"
_ALLERGY = f"{_TERMINOLOGY}allergyintolerance-verification"


def _has_code(concept: object, system: str, *codes: str) -> bool:
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return any(c.get("system") == system and c.get("code") in codes for c in codings)


def _con_4(node: Node) -> bool:
    ended = _has_code(node.get("clinicalStatus"), _CLINICAL, "resolved", "remission", "inactive")
    return ended or not has(node, "abatement[x]")


def _in_error(node: Node, system: str) -> bool:
    return _has_code(node.get("verificationStatus"), system, "entered-in-error")


def _no_status_in_error(system: str) -> Invariant:
    return lambda node: not (_in_error(node, system) and "clinicalStatus" in node)


def _obs_7(node: Node) -> bool:
    own = _coding_keys(node.get("code", {}))
    parts = node.get("component", ())
    other = {key for part in parts for key in _coding_keys(part.get("code", {}))}
    return not (has(node, "value[x]") and own & other)


def _coding_keys(concept: Node) -> set[tuple[object, object]]:
    codings = concept.get("coding", ())
    return {(coding.get("system"), coding["code"]) for coding in codings if "code" in coding}


def _app_3(node: Node) -> bool:
    return (has(node, "start") and has(node, "end")) or node.get("status") in _UNPLANNED


def _in_order(node: Node) -> bool:
    start, end = node.get("start"), node.get("end")
    if not isinstance(start, str) or not isinstance(end, str):
        return True
    if INSTANT.fullmatch(start) and INSTANT.fullmatch(end):
        return instant(start) <= instant(end)
    size = min(len(start), len(end), 10)  # dates compare as far as both are known
    return start[:size] <= end[:size]


def _any(*names: str) -> Invariant:
    return lambda node: any(has(node, name) for name in names)


def _needs(name: str, other: str) -> Invariant:
    """Demand another element where an element is."""
    return lambda node: has(node, other) or not has(node, name)


_QUANTITY = (("qty-3", _needs("code", "system")),)

INVARIANTS: dict[str, tuple[tuple[str, Invariant], ...]] = {
    "AllergyIntolerance": (
        ("ait-1", lambda node: _in_error(node, _ALLERGY) or "clinicalStatus" in node),
        ("ait-2", _no_status_in_error(_ALLERGY)),
    ),
    "Appointment": (
        ("app-3", _app_3),
        ("app-2", lambda node: has(node, "start") == has(node, "end")),
    ),
    "Attachment": (("att-1", _needs("data", "contentType")),),
    "Condition": (("con-4", _con_4), ("con-5", _no_status_in_error(_CONDITION))),
    "ContactPoint": (("cpt-2", _needs("value", "system")),),
    "Extension": (("ext-1", lambda node: has(node, "value[x]") != ("extension" in node)),),
    "Observation": (
        ("obs-6", lambda node: not (has(node, "value[x]") and "dataAbsentReason" in node)),
        ("obs-7", _obs_7),
    ),
    "Organization": (("org-1", _any("identifier", "name")),),
    "PatientContact": (("pat-1", _any("name", "telecom", "address", "organization")),),
    "Period": (("per-1", _in_order),),
    "Reference": (
        (
            "reference without reference, identifier or display",
            _any("reference", "identifier", "display", "extension"),
        ),
    ),
    **dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration"), _QUANTITY),
}


def broken(kind: str, node: Node) -> str:
    """Name the first invariant that a node breaks; empty when it breaks none."""
    return next((key for key, holds in INVARIANTS.get(kind, ()) if not holds(node)), "")
