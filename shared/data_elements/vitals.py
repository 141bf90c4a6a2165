"""Vital signs: OpenEMR `form_vitals` to and from Observations, one for each kind that was measured.

The columns are in lb, in and °F, and stay so. The visit is known to `forms` only; a form that is
deleted there makes no Observations. Interpretations (`form_vital_details`) are not read.
"""

from typing import Any

from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.encounters import encounters
from data_elements.patients import patients
from data_elements.practitioners import practitioners
from data_elements.vital_signs import PARTS
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.columns import (
    LegacyRow,
    LocalTime,
    Measured,
    NullableLink,
    NullableText,
)
from medplum_migration.mapping.field import (
    ColumnDisposition,
    Constant,
    Excluded,
    Field,
    TraceabilityOnly,
    refuse,
)
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Join
from medplum_migration.mapping.transforms import local_time

_CATEGORY = {
    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
    "code": "vital-signs",
    "display": "Vital Signs",
}


class VitalsRow(LegacyRow):
    """The columns of `form_vitals` that are read, and three of `forms`."""

    id: int
    date: LocalTime
    pid: NullableLink
    note: NullableText
    bps: Measured
    bpd: Measured
    weight: Measured
    height: Measured
    temperature: Measured
    temp_method: NullableText
    pulse: Measured
    respiration: Measured
    BMI: Measured
    waist_circ: Measured
    head_circ: Measured
    oxygen_saturation: Measured
    oxygen_flow_rate: Measured
    inhaled_oxygen_concentration: Measured
    ped_weight_height: Measured
    ped_bmi: Measured
    ped_head_circ: Measured
    form_pid: NullableLink
    encounter: NullableLink
    provider_id: NullableLink


def _subject(pid: int | None, form_pid: int | None) -> Resource:
    if pid != form_pid:
        refuse("the form is filed under another patient than its measurements")
    return patients.refer(pid)


def _subject_back(reference: Resource) -> tuple[Any, Any]:
    pid = patients.referred(reference)
    return pid, pid


class VitalsMapping(Mapping[VitalsRow]):
    """Both directions of one form of vital signs."""

    element, resource = "vitals", "Observation"
    row = VitalsRow
    table, key, system = "form_vitals", "id", f"{LEGACY}/id/form_vitals"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-vital-signs"
    joins = (
        Join(
            "forms",
            on={"form_id": "id"},
            where={"formdir": "vitals", "deleted": 0},
            columns={
                "form_pid": "pid",
                "encounter": "encounter",
                "provider_id": "provider_id",
            },
            required=True,
        ),
    )
    refers_to = (patients,)
    parts = PARTS
    fields = (
        Constant("status", "final", why="the form knows no other state"),
        Constant("category", [{"coding": [_CATEGORY]}]),
        Field(
            ("pid", "form_pid"),
            "subject",
            _subject,
            _subject_back,
            disposition=ColumnDisposition.REFERENCE,
            why="both tables name the patient; when they differ, nobody knows whose signs they are",
        ),
        Reference("encounter", "encounter", to=encounters),
        Field("date", "effectiveDateTime", *local_time(CLINIC_TZ)),
        Reference("provider_id", "performer[id=provider]", to=practitioners, orphans=True),
        Field("note", "note[id=form].text", why="the form's one note stands on each of its signs"),
        TraceabilityOnly("uuid", why="id of the form in OpenEMR's own API"),
        TraceabilityOnly("external_id", why="where an import had the row from"),
        TraceabilityOnly(
            *("user", "last_updated"),
            why="who typed the row and when: audit of the legacy store, not of the patient",
        ),
        TraceabilityOnly("BMI_status", why="OpenEMR derives it from the BMI"),
        Excluded(
            *("groupname", "authorized", "activity"),
            why="state of the legacy application; what counts of a deleted form is forms.deleted",
        ),
    )

    def enrich(self, row: VitalsRow, resource: Resource) -> Resource:
        """Refuse a vital sign of nobody, or without its time (vs-1)."""
        if row.pid is None:
            refuse("no patient", column="pid")
        if row.date is None:
            refuse("no time of the measurement", column="date")
        return resource


vitals = VitalsMapping()
