"""What a right migration of OpenEMR's data gives, counted on both sides by different means."""

from collections.abc import Callable
from typing import Any, TypeAlias

import sqlalchemy as sa

from medplum_migration.mapping.path import parse, read
from sandbox.aws.tools import ROOT
from tests.e2e.bundle import Bundle

Held: TypeAlias = dict[str, list[dict[str, Any]]]
"""Resources by element."""

_QUERIES = ROOT.parent / "shared/legacy/openemr/counts.sql"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFIED = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_IN_ERROR = "entered-in-error"


def live(bundle: Bundle, element: str) -> list[dict[str, Any]]:
    """Read an element's resources from Medplum."""
    systems = bundle.wired.elements[element].systems
    pages = (bundle.wired.fhir.sweep(kind, system=name) for name, kind in systems.items())
    return [resource for sweep in pages for page in sweep for resource in page]


def names(held: Held) -> set[str]:
    """Name every resource as references do."""
    return {f"{r['resourceType']}/{r['id']}" for resources in held.values() for r in resources}


def references(node: object) -> set[str]:
    """Collect the literal references below a node."""
    if isinstance(node, list):
        return {found for item in node for found in references(item)}
    if not isinstance(node, dict):
        return set()
    own = {node["reference"]} if isinstance(node.get("reference"), str) else set()
    return own.union(*map(references, node.values()))


def counted_in_sql(engine: sa.Engine) -> dict[str, int]:
    """Count by the queries that came with the data."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql(_QUERIES.read_text().replace("%", "%%")).all()
    counted = {f"{resource}: {told}": int(number) for resource, told, number in found}
    return {name: counted[name] for name in _COUNTS}


def counted_in_medplum(held: Held) -> dict[str, int]:
    """Count the same in resources."""
    return {name: of(held) for name, of in _COUNTS.items()}


def _number(element: str, path: str = "", *values: object) -> Callable[[Held], int]:
    """Count the resources of an element that have one of some values at a path."""

    def count(held: Held) -> int:
        chosen = held[element]
        if path:
            steps = parse(path)
            chosen = [r for r in chosen if any(v in values for v in read(r, steps))]
        return len(chosen)

    return count


def _vital(code: str) -> Callable[[Held], int]:
    return _number("vitals", f"code.coding[system=http://loinc.org,code={code}].code", code)


_COUNTS: dict[str, Callable[[Held], int]] = {
    "Patient: patient_data": _number("patients"),
    "Practitioner: users (all)": _number("practitioners"),
    "Organization/Location: facility": _number("organizations"),
    "Encounter: form_encounter": _number("encounters"),
    "Condition: lists type=medical_problem": _number("problems"),
    "Condition (active): lists type=medical_problem activity=1": _number(
        "problems", f"clinicalStatus.coding[system={_CLINICAL}].code", "active"
    ),
    "AllergyIntolerance: lists type=allergy": _number("allergies"),
    "AllergyIntolerance entered-in-error: lists type=allergy verification=entered-in-error": (
        _number("allergies", f"verificationStatus.coding[system={_VERIFIED}].code", _IN_ERROR)
    ),
    "MedicationStatement: lists type=medication": _number("medications"),
    "MedicationRequest: prescriptions": _number("prescriptions"),
    "MedicationRequest (active): prescriptions active=1": _number(
        "prescriptions", "status", "active"
    ),
    "ServiceRequest: procedure_order_code": _number("lab_orders"),
    "DiagnosticReport: procedure_report": _number("lab_reports"),
    "Observation laboratory: procedure_result": _number("lab_results"),
    "Observation vital: blood pressure: form_vitals bps+bpd": _vital("85354-9"),
    "Observation vital: weight (lb): form_vitals weight>0": _vital("29463-7"),
    "Observation vital: height (in): form_vitals height>0": _vital("8302-2"),
    "Observation vital: temperature (F): form_vitals temperature>0": _vital("8310-5"),
    "Observation vital: pulse: form_vitals pulse>0": _vital("8867-4"),
    "Observation vital: respiration: form_vitals respiration>0": _vital("9279-1"),
    "Observation vital: BMI: form_vitals BMI>0": _vital("39156-5"),
    "Observation vital: SpO2: form_vitals oxygen_saturation>0": _vital("59408-5"),
    "vitals linked to an encounter: form_vitals via forms(formdir=vitals)": lambda held: len(
        {r["identifier"][0]["value"] for r in held["vitals"] if "encounter" in r}
    ),
    "DocumentReference (notes): form_clinical_notes": _number("documents"),
    "Appointment: openemr_postcalendar_events with a patient": _number("appointments"),
    "Coverage: insurance_data with a provider": _number("coverages"),
    "CareTeam: care_teams": _number("care_teams"),
    "CareTeam.participant: care_team_member": lambda held: sum(
        len(resource["participant"]) for resource in held["care_teams"]
    ),
}
"""What the queries count, counted in Medplum."""
