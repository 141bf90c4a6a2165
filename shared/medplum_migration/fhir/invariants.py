"""Invariants of FHIR R4 that neither the models nor the server check, each by its key."""

from collections.abc import Callable
from typing import Any, TypeAlias

from medplum_migration.fhir.primitives import INSTANT, instant

Node: TypeAlias = dict[str, Any]
Invariant: TypeAlias = Callable[[Node], bool]

_DETAILS = ("name", "telecom", "address", "organization")
_UNPLANNED = frozenset(("proposed", "cancelled", "waitlist"))


def _has_code(concept: object, *codes: str) -> bool:
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return any(coding.get("code") in codes for coding in codings)


def _value(node: Node) -> str:
    return next((name for name in node if name.startswith("value")), "")


def _con_4(node: Node) -> bool:
    abated = any(name.startswith("abatement") for name in node)
    ended = _has_code(node.get("clinicalStatus"), "resolved", "remission", "inactive")
    return ended or not abated


def _in_error(node: Node) -> bool:
    return _has_code(node.get("verificationStatus"), "entered-in-error")


def _no_status_in_error(node: Node) -> bool:
    return not (_in_error(node) and "clinicalStatus" in node)


def _obs_7(node: Node) -> bool:
    parts = [part["code"] for part in node.get("component", ()) if "code" in part]
    own = {_coding_key(coding) for coding in node.get("code", {}).get("coding", ())}
    other = {_coding_key(coding) for code in parts for coding in code.get("coding", ())}
    return not (_value(node) and own & other)


def _coding_key(coding: Node) -> tuple[object, object]:
    return coding.get("system"), coding.get("code")


def _app_3(node: Node) -> bool:
    return {"start", "end"} <= node.keys() or node.get("status") in _UNPLANNED


def _in_order(node: Node) -> bool:
    start, end = node.get("start"), node.get("end")
    if not isinstance(start, str) or not isinstance(end, str):
        return True
    if INSTANT.fullmatch(start) and INSTANT.fullmatch(end):
        return instant(start) <= instant(end)
    size = min(len(start), len(end), 10)  # dates compare as far as both are known
    return start[:size] <= end[:size]


def _reference(node: Node) -> bool:
    return bool(node.keys() & {"reference", "identifier", "display", "extension"})


INVARIANTS: dict[str, tuple[tuple[str, Invariant], ...]] = {
    "AllergyIntolerance": (
        ("ait-1", lambda node: _in_error(node) or "clinicalStatus" in node),
        ("ait-2", _no_status_in_error),
    ),
    "Appointment": (
        ("app-3", _app_3),
        ("app-2", lambda node: ("start" in node) == ("end" in node)),
    ),
    "Attachment": (("att-1", lambda node: "data" not in node or "contentType" in node),),
    "Condition": (("con-4", _con_4), ("con-5", _no_status_in_error)),
    "ContactPoint": (("cpt-2", lambda node: "value" not in node or "system" in node),),
    "Extension": (("ext-1", lambda node: bool(_value(node)) != ("extension" in node)),),
    "Observation": (
        ("obs-6", lambda node: not (_value(node) and "dataAbsentReason" in node)),
        ("obs-7", _obs_7),
    ),
    "PatientContact": (("pat-1", lambda node: bool(node.keys() & set(_DETAILS))),),
    "Period": (("per-1", _in_order),),
    "Quantity": (("qty-3", lambda node: "code" not in node or "system" in node),),
    "Reference": (("reference without reference, identifier or display", _reference),),
}


def broken(kind: str, node: Node) -> str:
    """Name the first invariant that a node breaks; empty when it breaks none."""
    return next((key for key, holds in INVARIANTS.get(kind, ()) if not holds(node)), "")
