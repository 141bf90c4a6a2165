"""Made-up resources that keep to US Core in every version, one for each type and profile."""

from typing import Any

from medplum_migration.domain.data_element import Resource

WHY: dict[str, Any] = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}
SUBJECT = {"reference": "Patient/1"}
SOMEONE = {"reference": "Practitioner/1"}
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
NPI = "http://hl7.org/fhir/sid/us-npi"
UCUM = "http://unitsofmeasure.org"


def concept(system: str, *codes: str) -> dict[str, Any]:
    """Make a CodeableConcept."""
    return {"coding": [{"system": system, "code": code} for code in codes]}


def loinc(*codes: str) -> dict[str, Any]:
    """Make a concept of LOINC."""
    return concept("http://loinc.org", *codes)


def quantity(value: float, unit: str) -> dict[str, Any]:
    """Make a quantity in UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def category(code: str) -> list[dict[str, Any]]:
    """Make the category of an observation."""
    return [concept(f"{TERMINOLOGY}observation-category", code)]


WEIGHT: Resource = {
    "resourceType": "Observation",
    "status": "final",
    "category": category("vital-signs"),
    "code": loinc("29463-7"),
    "subject": SUBJECT,
    "effectiveDateTime": "2020-02-01",
    "valueQuantity": quantity(72.5, "kg"),
}
PRESSURE: Resource = {
    **{name: value for name, value in WEIGHT.items() if name != "valueQuantity"},
    "code": loinc("85354-9"),
    "component": [
        {"code": loinc("8480-6"), "valueQuantity": quantity(120, "mm[Hg]")},
        {"code": loinc("8462-4"), "dataAbsentReason": {"text": "x"}},
    ],
}
LABORATORY: Resource = {
    **WEIGHT,
    "category": category("laboratory"),
    "code": loinc("2345-7"),
    "valueQuantity": quantity(90, "mg/dL"),
    "referenceRange": [{"low": quantity(70, "mg/dL"), "high": {"value": 110}}],
}

EXAMPLES: dict[str, Resource] = {
    "AllergyIntolerance": {
        "code": {"text": "x"},
        "patient": SUBJECT,
        "clinicalStatus": concept(f"{TERMINOLOGY}allergyintolerance-clinical", "active"),
    },
    "Condition": {
        "category": [{"text": "x"}],
        "code": {"text": "x"},
        "subject": SUBJECT,
    },
    "Coverage": {
        "status": "active",
        "beneficiary": SUBJECT,
        "relationship": {"text": "self"},
        "payor": [{"reference": "Organization/1"}],
        "subscriberId": "x",
    },
    "DiagnosticReport": {
        "status": "final",
        "category": [concept(f"{TERMINOLOGY}v2-0074", "LAB")],
        "code": {"text": "x"},
        "subject": SUBJECT,
        "effectiveDateTime": "2020-02-01",
        "issued": "2020-02-01T10:00:00Z",
    },
    "DocumentReference": {
        "status": "current",
        "type": {"text": "x"},
        "category": [{"text": "x"}],
        "subject": SUBJECT,
        "content": [{"attachment": {"url": "https://x.example"}}],
    },
    "Encounter": {
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [{"text": "x"}],
        "subject": SUBJECT,
    },
    "Immunization": {
        "status": "completed",
        "vaccineCode": {"text": "x"},
        "patient": SUBJECT,
        "occurrenceDateTime": "2020",
        "primarySource": True,
    },
    "Location": {"name": "x"},
    "MedicationRequest": {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "x"},
        "subject": SUBJECT,
        "requester": SOMEONE,
    },
    "Observation of laboratory": LABORATORY,
    "Observation of vital-signs": WEIGHT,
    "Organization": {"active": True, "name": "x"},
    "Patient": {
        "identifier": [{"system": "urn:x", "value": "1"}],
        "name": [{"family": "x"}],
        "gender": "unknown",
        "telecom": [{"system": "phone", "value": "x"}],
        "communication": [{"language": {"text": "x"}}],
        "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
    },
    "Practitioner": {
        "identifier": [{"system": NPI, "value": "1234567893"}],
        "name": [{"family": "x"}],
    },
    "PractitionerRole": {
        "practitioner": SOMEONE,
        "telecom": [{"system": "phone", "value": "x"}],
    },
    "Procedure": {
        "status": "completed",
        "code": {"text": "x"},
        "subject": SUBJECT,
        "performedDateTime": "2020",
    },
    "Provenance": {
        "target": [SUBJECT],
        "recorded": "2020-02-01T10:00:00Z",
        "agent": [{"who": SOMEONE, "onBehalfOf": {"reference": "Organization/1"}}],
    },
    "RelatedPerson": {"active": True, "patient": SUBJECT, "name": [{"text": "x"}]},
}
"""What to check by profile; the type is the first word."""


def example(profile: str) -> Resource:
    """Give an example with its type."""
    return {**EXAMPLES[profile], "resourceType": profile.partition(" ")[0]}


def changed(profile: str, **elements: Any) -> Resource:
    """Change elements of an example; those that become None are left out."""
    whole = example(profile) | elements
    return {name: value for name, value in whole.items() if value is not None}
