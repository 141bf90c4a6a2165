"""What a resource says once its record is deleted in the source, by resource type.

Clinical resources become `entered-in-error`, people and places inactive. Elements that FHIR demands
stay as the deleted resource had them; a tombstone of a record that Medplum never saw marks them
absent (http://hl7.org/fhir/StructureDefinition/data-absent-reason).
"""

from dataclasses import dataclass, field

from medplum_migration.domain.data_element import Resource

_ABSENT_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


def absent() -> Resource:
    """Make the content of an element whose value is not known."""
    return {"extension": [{"url": _ABSENT_URL, "valueCode": "unknown"}]}


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is said (`says`), dropped, and needed only where the resource has nothing (`needs`)."""

    says: Resource
    needs: Resource = field(default_factory=dict)
    drops: tuple[str, ...] = ()


def _in_error(*subjects: str, **needs: object) -> Tombstone:
    return Tombstone({"status": "entered-in-error"}, {n: absent() for n in subjects} | needs)


def _unverified(code_system: str, subject: str) -> Tombstone:
    coding = {"system": f"{_TERMINOLOGY}/{code_system}", "code": "entered-in-error"}
    said: Resource = {"verificationStatus": {"coding": [coding]}}
    return Tombstone(said, {subject: absent()}, drops=("clinicalStatus",))


_INACTIVE = Tombstone({"active": False})

TOMBSTONES: dict[str, Tombstone] = {
    "AllergyIntolerance": _unverified("allergyintolerance-verification", "patient"),
    # app-3 demands start and end of an appointment in error, which a tombstone may not know.
    "Appointment": Tombstone(
        {"status": "cancelled"},
        {"participant": [{"actor": absent(), "status": "needs-action"}]},
    ),
    "Basic": Tombstone({}, {"code": absent()}),
    "CarePlan": _in_error("subject", intent="plan"),
    "CareTeam": _in_error(),
    "Claim": _in_error(
        *("type", "patient", "provider", "priority"),
        use="claim",
        _created=absent(),
        insurance=[{"sequence": 1, "focal": True, "coverage": absent()}],
    ),
    "Communication": _in_error(),
    "Condition": _unverified("condition-ver-status", "subject"),
    "Coverage": _in_error("beneficiary", payor=[absent()]),
    "Device": _in_error(),
    "DiagnosticReport": _in_error("code"),
    "DocumentReference": _in_error(content=[{"attachment": absent()}]),
    "Encounter": _in_error("class"),
    "ImagingStudy": _in_error("subject"),
    "Immunization": _in_error("vaccineCode", "patient", occurrenceString="unknown"),
    "Location": Tombstone({"status": "inactive"}),
    "Medication": _in_error(),
    "MedicationAdministration": _in_error(
        "medicationCodeableConcept", "subject", effectivePeriod=absent()
    ),
    "MedicationRequest": _in_error("medicationCodeableConcept", "subject", intent="order"),
    "MedicationStatement": _in_error("medicationCodeableConcept", "subject"),
    "Observation": _in_error("code"),
    "Organization": _INACTIVE,
    "Patient": _INACTIVE,
    "Practitioner": _INACTIVE,
    "PractitionerRole": _INACTIVE,
    "Procedure": _in_error("subject"),
    "RelatedPerson": Tombstone({"active": False}, {"patient": absent()}),
    "ServiceRequest": _in_error("subject", intent="order"),
    "Specimen": _in_error(),
    "SupplyDelivery": _in_error(),
}
