"""Allergies: OpenEMR `lists` with type `allergy` to and from AllergyIntolerance.

A title is free text unless a code stands beside it. That nothing is known is a coded negation only
for the titles in `codes/no_known_allergy.csv`. Reaction and severity are those of one event.
"""

from types import MappingProxyType
from typing import Any

from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.coded_text import coded_text, codings
from data_elements.issues_unmapped import UNMAPPED
from data_elements.local_codes import CODE
from data_elements.local_days import DAY_OR_TIME
from data_elements.options import Options
from data_elements.patients import patients
from medplum_migration.domain.data_element import Resource
from medplum_migration.fhir.tombstones import absent
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import (
    Flag,
    LegacyRow,
    Link,
    LocalTime,
    NullableLink,
    NullableText,
    Text,
)
from medplum_migration.mapping.field import (
    ColumnDisposition,
    Field,
    TraceabilityOnly,
    refuse,
)
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.transforms import local_time

CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
ALLERGENS = f"{LEGACY}/allergy_issue_list"
ENDED = f"{LEGACY}/StructureDefinition/allergy-end"
SEVERITY_STATED = f"{LEGACY}/StructureDefinition/reaction-severity"
IN_ERROR = "entered-in-error"

NEGATION = Codes.packaged("data_elements", "codes/no_known_allergy.csv")
VERIFICATION = Codes.packaged("data_elements", "codes/allergy_verification.csv")
REACTION = Options.packaged(
    "data_elements", "codes/allergy_reaction.csv", local=f"{LEGACY}/reaction"
)
SEVERITY = Options.packaged(
    "data_elements", "codes/allergy_severity.csv", local=f"{LEGACY}/severity_ccda"
)

_UNASSIGNED = "unassigned"
_RESOLVED = 1
_FHIR_SEVERITIES = frozenset(("mild", "moderate", "severe"))


class AllergyRow(LegacyRow):
    """The columns of `lists` that are read for an allergy."""

    id: int
    pid: NullableLink
    date: LocalTime
    title: NullableText
    diagnosis: NullableText
    list_option_id: NullableText
    activity: Flag
    outcome: Link
    verification: Text
    reaction: Text
    severity_al: NullableText
    begdate: LocalTime
    enddate: LocalTime
    comments: NullableText
    external_id: NullableText


def _code(title: str | None, codes: str | None, option: str | None) -> dict[str, Any]:
    """Give codes as they are recorded, the negation that a title means, and the title as text."""
    held = codings(codes) if codes else []
    negation = NEGATION.forward.get((title or "").casefold())
    if negation and not any(coding["code"] == negation.code for coding in held):
        held = [negation.coding(), *held]
    if option:
        held = [*held, {"system": ALLERGENS, "code": CODE.to(option)}]
    made: dict[str, Any] = {"coding": held} if held else {}
    return made | {"text": title} if title else made


def _code_back(concept: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    title = concept.get("text")
    negation = NEGATION.forward.get((title or "").casefold())
    held = [c for c in concept.get("coding", []) if not negation or c != negation.coding()]
    options = [coding.get("code") for coding in held if coding.get("system") == ALLERGENS]
    if len(options) > 1:
        refuse("several options of the list of allergens")
    recorded = [coding for coding in held if coding.get("system") != ALLERGENS]
    return title, coded_text(recorded), options[0] if options else None


def _status(
    active: bool | None,  # noqa: FBT001 because it is a column's value
    outcome: int | None,
    verification: str | None,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Give clinical and verification status; one in error has no clinical status (ait-2)."""
    verified = None
    if verification is not None:
        known = VERIFICATION.forward.get(verification)
        if known is None:
            refuse("no verification status in the code table", column="verification")
        verified = {"coding": [known.coding()]}
    if active is None or verification == IN_ERROR:
        return None, verified
    if active and outcome == _RESOLVED:
        refuse("active and resolved at once", column="outcome")
    ended = "resolved" if outcome == _RESOLVED else "inactive"
    coding = {"system": CLINICAL, "code": "active" if active else ended}
    return {"coding": [coding]}, verified


def _status_back(
    clinical: dict[str, Any] | None, verified: dict[str, Any] | None
) -> tuple[bool, int | None, str | None]:
    verification = None if verified is None else VERIFICATION.encode_concept(verified)
    if clinical is None:
        return False, None, verification
    held = [coding.get("code") for coding in clinical.get("coding", [])]
    if held not in (["active"], ["inactive"], ["resolved"]):
        refuse("no clinical status that the columns know")
    return held == ["active"], _RESOLVED if held == ["resolved"] else None, verification


def _reaction(
    reaction: str | None, severity: str | None
) -> tuple[list[dict[str, Any]] | None, str | None, dict[str, Any] | None]:
    """Give manifestation, FHIR's severity, and any severity that FHIR does not know as stated."""
    stated = severity if severity != _UNASSIGNED else None
    shown = None if reaction in (None, _UNASSIGNED) else REACTION.decode_option(reaction)
    if shown is None and stated is None:
        return None, None, None
    manifestation = [shown or absent()]
    if stated in _FHIR_SEVERITIES:
        return manifestation, stated, None
    return manifestation, None, SEVERITY.decode_option(stated) if stated else None


def _reaction_back(
    manifestation: list[dict[str, Any]] | None, severity: str | None, stated: dict[str, Any] | None
) -> tuple[str | None, str | None]:
    if not manifestation or len(manifestation) > 1 or (severity and stated):
        refuse("the columns hold one manifestation and one severity")
    reaction = None if manifestation == [absent()] else REACTION.encode_option(manifestation[0])
    return reaction, SEVERITY.encode_option(stated) if stated else severity


class AllergyMapping(Mapping[AllergyRow]):
    """Both directions of an allergy."""

    element, resource = "allergies", "AllergyIntolerance"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-allergyintolerance"
    row = AllergyRow
    table, key, system = "lists", "id", f"{LEGACY}/id/lists-allergy"
    where = MappingProxyType({"type": "allergy"})
    fields = (
        Reference("pid", "patient", to=patients),
        Field(("title", "diagnosis", "list_option_id"), "code", _code, _code_back),
        Field(
            ("activity", "outcome", "verification"),
            ("clinicalStatus", "verificationStatus"),
            _status,
            _status_back,
            disposition=ColumnDisposition.TERMINOLOGY,
            lossy=True,
            why="outcomes other than resolved have no place; one in error has no clinical status,"
            " and is written back as not active",
        ),
        Field(
            ("reaction", "severity_al"),
            (
                "reaction[id=recorded].manifestation",
                "reaction[id=recorded].severity",
                f"reaction[id=recorded].extension[url={SEVERITY_STATED}].valueCodeableConcept",
            ),
            _reaction,
            _reaction_back,
            disposition=ColumnDisposition.TERMINOLOGY,
            lossy=True,
            why="'unassigned' says nothing, as a blank; FHIR demands a manifestation, which is"
            " marked absent where only a severity is recorded",
        ),
        Field("begdate", "onsetDateTime", *DAY_OR_TIME),
        Field(
            "enddate",
            f"extension[url={ENDED}].valueDateTime",
            *DAY_OR_TIME,
            why="R4 has no end of an allergy; an end alone does not make it inactive",
        ),
        Field("date", "recordedDate", *local_time(CLINIC_TZ)),
        Field("comments", "note[id=comments].text"),
        Field("external_id", f"identifier[system={LEGACY}/external-list].value"),
        *UNMAPPED,
        TraceabilityOnly("external_allergyid", why="id of the allergy in NewCrop"),
    )

    def enrich(self, row: AllergyRow, resource: Resource) -> Resource:
        """Refuse what FHIR or US Core demand and the row lacks."""
        for name, column in (("patient", "pid"), ("code", "title")):
            if not resource.get(name):
                refuse(f"no {name}", column=column)
        if "clinicalStatus" not in resource and row.verification != IN_ERROR:
            refuse("neither active nor not", column="activity")
        return resource


allergies = AllergyMapping()
