"""Invariants of R4: the node that keeps one, and the node next to it that breaks it."""

from typing import Any

import pytest

from medplum_migration.fhir.invariants import INVARIANTS, broken

WHY: dict[str, Any] = {"extension": [{"url": "https://x.example", "valueCode": "unknown"}]}
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
CLINICAL = f"{TERMINOLOGY}condition-clinical"
LOINC = "http://loinc.org"


def concept(system: str, *codes: str) -> dict[str, Any]:
    """Make a CodeableConcept."""
    return {"coding": [{"system": system, "code": code} for code in codes]}


IN_ERROR = concept(f"{TERMINOLOGY}condition-ver-status", "entered-in-error")
NO_ALLERGY = concept(f"{TERMINOLOGY}allergyintolerance-verification", "entered-in-error")
LOCAL = concept("https://x.example", "entered-in-error")
SYSTOLIC = concept(LOINC, "8480-6")

BROKEN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "ait-1": ("AllergyIntolerance", "ait-1", {}),
    "ait-1, local code": ("AllergyIntolerance", "ait-1", {"verificationStatus": LOCAL}),
    "ait-2": (
        "AllergyIntolerance",
        "ait-2",
        {"verificationStatus": NO_ALLERGY, "clinicalStatus": concept(CLINICAL, "active")},
    ),
    "app-2": ("Appointment", "app-2", {"status": "proposed", "start": "x"}),
    "app-3": ("Appointment", "app-3", {"status": "booked", "start": "x"}),
    "att-1": ("Attachment", "att-1", {"data": "eA=="}),
    "con-4": ("Condition", "con-4", {"abatementString": "x"}),
    "con-4, not known when": (
        "Condition",
        "con-4",
        {"_abatementDateTime": WHY, "clinicalStatus": concept(CLINICAL, "active")},
    ),
    "con-4, local code": (
        "Condition",
        "con-4",
        {"abatementString": "x", "clinicalStatus": concept("https://x.example", "inactive")},
    ),
    "con-5": (
        "Condition",
        "con-5",
        {"verificationStatus": IN_ERROR, "clinicalStatus": concept(CLINICAL, "active")},
    ),
    "cpt-2": ("ContactPoint", "cpt-2", {"value": "x"}),
    "ext-1, nothing": ("Extension", "ext-1", {"url": "x"}),
    "ext-1, both": ("Extension", "ext-1", {"valueString": "x", "extension": [{}]}),
    "obs-6": ("Observation", "obs-6", {"valueString": "x", "dataAbsentReason": {"text": "x"}}),
    "obs-6, no value": ("Observation", "obs-6", {"_valueString": WHY, "dataAbsentReason": {}}),
    "obs-7": (
        "Observation",
        "obs-7",
        {"valueString": "x", "code": SYSTOLIC, "component": [{"code": SYSTOLIC}]},
    ),
    "org-1": ("Organization", "org-1", {"active": True}),
    "pat-1": ("PatientContact", "pat-1", {"gender": "male"}),
    "per-1": ("Period", "per-1", {"start": "2020-02", "end": "2020-01-31"}),
    "qty-3": ("Quantity", "qty-3", {"value": 1, "code": "kg"}),
    "qty-3 of an age": ("Age", "qty-3", {"value": 1, "code": "a"}),
    "reference": ("Reference", "reference without", {"type": "Patient"}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken(case: str) -> None:
    """A node that breaks an invariant is told by its key."""
    kind, key, node = BROKEN[case]
    assert broken(kind, node).startswith(key)


def test_every_invariant_is_broken_once() -> None:
    """No invariant is without a case."""
    known = {key.partition(" ")[0] for rules in INVARIANTS.values() for key, _ in rules}
    assert known == {key.partition(" ")[0] for _, key, _ in BROKEN.values()}


KEPT: dict[str, tuple[str, dict[str, Any]]] = {
    "allergy in error": ("AllergyIntolerance", {"verificationStatus": NO_ALLERGY}),
    "appointment at times not known": ("Appointment", {"_start": WHY, "_end": WHY}),
    "attachment of a type not known": ("Attachment", {"data": "eA==", "_contentType": WHY}),
    "condition in error": ("Condition", {"verificationStatus": IN_ERROR}),
    "condition with a local code": (
        "Condition",
        {"verificationStatus": LOCAL, "clinicalStatus": concept(CLINICAL, "active")},
    ),
    "condition that ended": (
        "Condition",
        {"_abatementString": WHY, "clinicalStatus": concept(CLINICAL, "remission")},
    ),
    "contact of a system not known": ("ContactPoint", {"value": "x", "_system": WHY}),
    "extension whose value is not known": ("Extension", {"_valueString": WHY}),
    "unit of a system not known": ("Quantity", {"code": "kg", "_system": WHY}),
    "component of another code": (
        "Observation",
        {"valueString": "x", "code": SYSTOLIC, "component": [{"code": concept(LOINC, "8462-4")}]},
    ),
    "components told by name only": (
        "Observation",
        {
            "valueString": "x",
            "code": {"coding": [{"display": "x"}]},
            "component": [{"code": {"coding": [{"display": "y"}]}}],
        },
    ),
    "panel without a value": ("Observation", {"code": SYSTOLIC, "component": [{"code": SYSTOLIC}]}),
    "organization by identifier": ("Organization", {"identifier": [{"value": "x"}]}),
    "organization by a name not known": ("Organization", {"_name": WHY}),
    "period that ends when it starts": ("Period", {"start": "2020-01-31", "end": "2020-01"}),
    "reference by a name not known": ("Reference", {"_display": WHY}),
}


@pytest.mark.parametrize("case", KEPT)
def test_kept(case: str) -> None:
    """A node that keeps the invariants, if only by an extension, passes."""
    assert "" == broken(*KEPT[case])
