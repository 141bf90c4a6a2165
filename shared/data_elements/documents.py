"""Documents: OpenEMR `form_clinical_notes` to DocumentReference.

A note that was taken out of its form, or whose form was deleted, is entered in error. The form is
found by `form_id` and patient, and adds author and deletion only: notes without one are notes too.
"""

import base64
from datetime import date
from typing import Any

from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.coded_text import SYSTEMS
from data_elements.encounters import encounters
from data_elements.local_codes import CODE
from data_elements.options import Options
from data_elements.patients import patients
from data_elements.practitioners import practitioners
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import (
    Day,
    Flag,
    LegacyRow,
    LocalTime,
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
from medplum_migration.mapping.transforms import DAY, local_time

NOTE_CODE = f"{LEGACY}/clinical-note-code"
_CATEGORIES = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_UNKNOWN = {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"}

TYPE = Codes.packaged(
    "data_elements", "codes/clinical_note_type.csv", local=f"{LEGACY}/Clinical_Note_Type"
)
CATEGORY = Options.packaged(
    "data_elements", "codes/clinical_note_category.csv", local=f"{LEGACY}/Clinical_Note_Category"
)


class DocumentRow(LegacyRow):
    """The columns of `form_clinical_notes` that are read, and of its form."""

    id: int
    pid: NullableLink
    encounter: NullableLink
    date: Day
    description: NullableText
    code: NullableText
    codetext: NullableText
    clinical_notes_type: NullableText
    clinical_notes_category: NullableText
    note_related_to: NullableText
    activity: Flag
    form_deleted: Flag
    form_provider: NullableLink
    last_updated: LocalTime
    external_id: NullableText


def _type(code: str | None, text: str | None, kind: str | None) -> dict[str, Any]:
    """Give LOINC where it is known, else the profile's own code for unknown; always the local."""
    made = TYPE.decode_concept(kind) if kind else {}
    held = made.get("coding", [])
    if code:
        prefix, _, loinc = code.partition(":")
        known = prefix == "LOINC" and loinc
        own = {"system": SYSTEMS["LOINC"] if known else NOTE_CODE, "code": loinc if known else code}
        CODE.to(own["code"])
        same = [coding for coding in held if coding["code"] == own["code"]]
        held = held if same else [own, *held]
    if not any(coding["system"] == SYSTEMS["LOINC"] for coding in held):
        held = [_UNKNOWN, *held]
    text = text or made.get("text")
    return {"coding": held, "text": text} if text else {"coding": held}


def _status(
    active: bool | None,  # noqa: FBT001 because it is a column's value
    deleted: bool | None,  # noqa: FBT001 because it is a column's value
) -> str:
    if active is None:
        refuse("neither active nor taken out")
    return "current" if active and not deleted else "entered-in-error"


def _attachment(text: str | None, day: date | None) -> dict[str, Any]:
    if text is None:
        refuse("a note without text")
    sent = text.encode()
    made: dict[str, Any] = {
        "contentType": "text/plain; charset=utf-8",
        "data": base64.b64encode(sent).decode(),
        "size": len(sent),
    }
    return made | {"creation": DAY.to(day)} if day else made


class DocumentMapping(Mapping[DocumentRow]):
    """A clinical note."""

    element, resource = "documents", "DocumentReference"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference"
    row = DocumentRow
    table, key, system = "form_clinical_notes", "id", f"{LEGACY}/id/form_clinical_notes"
    joins = (
        Join(
            "forms",
            on={"form_id": "form_id", "pid": "pid"},
            where={"formdir": "clinical_notes"},
            columns={"form_deleted": "deleted", "form_provider": "provider_id"},
        ),
    )
    one_way = "a note is amended by another note, not overwritten; new ones stay in Medplum"
    fields = (
        Reference("pid", "subject", to=patients),
        Reference("encounter", "context.encounter[id=encounter]", to=encounters),
        Reference("form_provider", "author[id=provider]", to=practitioners),
        Field(
            ("activity", "form_deleted"),
            "status",
            _status,
            disposition=ColumnDisposition.TERMINOLOGY,
            why="OpenEMR keeps a note that was deleted, with activity 0",
        ),
        Field(
            ("code", "codetext", "clinical_notes_type"),
            "type",
            _type,
            disposition=ColumnDisposition.TERMINOLOGY,
        ),
        Constant(
            "category[id=note]", {"coding": [{"system": _CATEGORIES, "code": "clinical-note"}]}
        ),
        Field("clinical_notes_category", "category[id=clinic]", CATEGORY.decode_option),
        Field(
            ("description", "date"),
            "content[id=note].attachment",
            _attachment,
            disposition=ColumnDisposition.TRANSFORMED,
            why="the text of a note is short (64 KB at most) and stays inside, as data: it is"
            " written once with its reference, compared with it, and whoever may not read the one"
            " cannot read the other. A Binary has no identifier to be found again by, and is open"
            " to the whole project unless its securityContext is set; files go there, not texts."
            " The day cannot be `date`, which is an instant",
        ),
        Field("note_related_to", "description"),
        Field("last_updated", "date", *local_time(CLINIC_TZ), why="the last edit in OpenEMR"),
        Field("external_id", f"identifier[system={LEGACY}/external-note].value"),
        TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
        TraceabilityOnly("form_id", why="joins the form"),
        TraceabilityOnly("user", "groupname", why="login of who typed; the form names the author"),
        Excluded("authorized", why="right of the login that typed it; no signature of the note"),
    )

    def enrich(self, row: DocumentRow, resource: Resource) -> Resource:
        """Refuse what FHIR or US Core demand and the row lacks; a note without type is unknown."""
        del row
        for name, column in (
            ("subject", "pid"),
            ("status", "activity"),
            ("content", "description"),
        ):
            if name not in resource:
                refuse(f"no {name}", column=column)
        return resource if "type" in resource else resource | {"type": {"coding": [_UNKNOWN]}}


documents = DocumentMapping()
