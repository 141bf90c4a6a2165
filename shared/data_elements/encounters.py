"""Encounters: OpenEMR `form_encounter` to and from Encounter.

The key is `encounter`, which all other tables point at; `id` is not. OpenEMR keeps no status and
mostly no end of a visit: one with an end is finished, of any other the status is unknown. That it
lies in the past, was billed or has a note proves no end.
"""

from datetime import datetime
from typing import Any

from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.encounters_unmapped import UNMAPPED
from data_elements.local_codes import CODE, NUMBER, VISIT_CATEGORY
from data_elements.organizations import organizations
from data_elements.patients import patients
from data_elements.practitioners import practitioners
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import LegacyRow, Link, LocalTime, NullableText, Text
from medplum_migration.mapping.field import Constant, Field, Unmappable, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Join
from medplum_migration.mapping.transforms import local_time

_TYPE = f"{LEGACY}/encounter-type"
_ROLES = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_PRIVACY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"

CLASS = Codes.packaged("data_elements", "codes/encounter_class.csv")
SENSITIVITY = Codes.packaged("data_elements", "codes/encounter_sensitivity.csv")
DISPOSITION = Codes.packaged(
    "data_elements", "codes/discharge_disposition.csv", local=f"{LEGACY}/discharge-disposition"
)
_TIME = local_time(CLINIC_TZ)


class EncounterRow(LegacyRow):
    """The columns of `form_encounter` that are read, and the name of the visit category."""

    encounter: int
    pid: Link
    date: LocalTime
    date_end: LocalTime
    class_code: Text
    reason: NullableText
    pc_catid: Link
    category: NullableText
    encounter_type_code: NullableText
    encounter_type_description: NullableText
    provider_id: Link
    supervisor_id: Link
    referring_provider_id: Link
    ordering_provider_id: Link
    facility_id: Link
    facility: NullableText
    discharge_disposition: NullableText
    sensitivity: NullableText
    external_id: NullableText


def _class(code: str | None, end: datetime | None) -> tuple[dict[str, str], str, str | None]:
    """Give class, status and end."""
    known = CLASS.forward.get(code or "")
    if known is None:
        refuse("no class of encounters in the code table")
    return known.coding(), "unknown" if end is None else "finished", _end(end)


def _end(end: datetime | None) -> str | None:
    try:
        return None if end is None else str(_TIME.to(end))
    except Unmappable as found:
        refuse(found.why, column="date_end")


def _class_back(
    coding: dict[str, Any] | None, status: str | None, end: str | None
) -> tuple[str, datetime | None]:
    if status != ("unknown" if end is None else "finished"):
        refuse("the legacy store holds no status, only the end of a visit")
    return CLASS.encode((coding or {}).get("code")), None if end is None else _TIME.back(end)


def _role(code: str, display: str) -> list[dict[str, Any]]:
    return [{"coding": [{"system": _ROLES, "code": code, "display": display}]}]


class EncounterMapping(Mapping[EncounterRow]):
    """Both directions of a visit."""

    element, resource = "encounters", "Encounter"
    row = EncounterRow
    table, key, system = "form_encounter", "encounter", f"{LEGACY}/id/form_encounter"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-encounter"
    joins = (
        Join(
            "openemr_postcalendar_categories",
            on={"pc_catid": "pc_catid"},
            columns={"category": "pc_catname"},
        ),
    )
    fields = (
        Reference("pid", "subject", to=patients),
        Field("date", "period.start", *_TIME),
        Field(
            ("class_code", "date_end"),
            ("class", "status", "period.end"),
            _class,
            _class_back,
            why="a visit with an end is finished; of any other the status is unknown",
        ),
        Field("reason", "reasonCode[id=reason].text"),
        Field("pc_catid", f"type[id=category].coding[system={VISIT_CATEGORY}].code", *NUMBER),
        Field("category", "type[id=category].text", why="pc_catname of the category"),
        Field("encounter_type_code", f"type[id=type].coding[system={_TYPE}].code", *CODE),
        Field("encounter_type_description", "type[id=type].text"),
        Reference("provider_id", "participant[id=provider].individual", to=practitioners),
        Constant("participant[id=provider].type", _role("PPRF", "primary performer")),
        Reference("supervisor_id", "participant[id=supervisor].individual", to=practitioners),
        Constant("participant[id=supervisor].type", [{"text": "supervising provider"}]),
        Reference("referring_provider_id", "participant[id=referrer].individual", to=practitioners),
        Constant("participant[id=referrer].type", _role("REF", "referrer")),
        Reference("ordering_provider_id", "participant[id=orderer].individual", to=practitioners),
        Constant("participant[id=orderer].type", [{"text": "ordering provider"}]),
        Reference("facility_id", "serviceProvider", to=organizations),
        Field("facility", "location[id=facility].location.display"),
        Field(
            "discharge_disposition",
            "hospitalization.dischargeDisposition",
            DISPOSITION.decode_concept,
            DISPOSITION.encode_concept,
        ),
        Field(
            "sensitivity",
            f"meta.security[system={_PRIVACY}].code",
            SENSITIVITY.decode,
            SENSITIVITY.encode,
            why="an unknown one is refused: it may close the visit to most of the staff",
        ),
        Field("external_id", f"identifier[system={LEGACY}/external-encounter].value"),
        *UNMAPPED,
    )

    def enrich(self, row: EncounterRow, resource: Resource) -> Resource:
        """Refuse a visit without patient or class, and one that ends before it starts."""
        for column, name in (("pid", "subject"), ("class_code", "class")):
            if name not in resource:
                refuse(f"an encounter without {name}", column=column)
        if row.date and row.date_end and row.date_end < row.date:
            refuse("the visit ends before it starts", column="date_end")
        return resource


encounters = EncounterMapping()
