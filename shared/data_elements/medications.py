"""Medications: OpenEMR `lists` with type `medication` to and from MedicationStatement.

`lists_medication` completes a row, at most one of its rows each. That the patient does not take it
any more (`activity` 0) proves neither that it was stopped nor that it was completed. Intent,
adherence and primary flag of `lists_medication` have no place in MedicationStatement: not read.

A code in `diagnosis` may name the drug or its reason: a drug's systems tell the one, ICD the other.
"""

from types import MappingProxyType
from typing import Any

from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.coded_text import SYSTEMS, coded_text, codings
from data_elements.issues_unmapped import UNMAPPED
from data_elements.local_codes import CODE
from data_elements.local_days import DAY_OR_TIME, ends_before
from data_elements.options import Options, decode_usage, encode_usage
from data_elements.patients import patients
from data_elements.practitioners import practitioners
from data_elements.prescriptions import prescriptions
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.columns import (
    Flag,
    LegacyRow,
    LocalTime,
    NullableLink,
    NullableText,
    Text,
)
from medplum_migration.mapping.field import (
    ColumnDisposition,
    Field,
    TraceabilityOnly,
    Unsupported,
    refuse,
)
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Join
from medplum_migration.mapping.transforms import local_time

DRUGS = f"{LEGACY}/medication_issue_list"
USAGE = Options.packaged(
    "data_elements",
    "codes/medication_statement_category.csv",
    local=f"{LEGACY}/medication-usage-category",
)

_DRUG_SYSTEMS = (SYSTEMS["RXNORM"], SYSTEMS["NDC"], SYSTEMS["CVX"])
_REASON_SYSTEMS = (SYSTEMS["ICD10"], SYSTEMS["ICD9"])
_STATUSES = {True: "active", False: "unknown"}


class MedicationRow(LegacyRow):
    """The columns of `lists` and `lists_medication` that are read for a medication."""

    id: int
    pid: NullableLink
    date: LocalTime
    title: NullableText
    diagnosis: NullableText
    list_option_id: NullableText
    activity: Flag
    begdate: LocalTime
    enddate: LocalTime
    comments: NullableText
    external_id: NullableText
    drug_dosage_instructions: NullableText
    usage_category: NullableText
    usage_category_title: Text
    prescription_id: NullableLink
    reporting_source_record_id: NullableLink


def _drug(
    title: str | None, codes: str | None, option: str | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Give the drug, and the reason for it."""
    held = codings(codes) if codes else []
    if any(coding["system"] not in _DRUG_SYSTEMS + _REASON_SYSTEMS for coding in held):
        refuse("a code that may name the drug or the reason for it", column="diagnosis")
    drugs = [coding for coding in held if coding["system"] in _DRUG_SYSTEMS]
    reasons = [coding for coding in held if coding["system"] in _REASON_SYSTEMS]
    if option:
        drugs.append({"system": DRUGS, "code": CODE.to(option)})
    drug: dict[str, Any] = {"coding": drugs} if drugs else {}
    drug |= {"text": title} if title else {}
    return drug or None, {"coding": reasons} if reasons else None


def _drug_back(
    drug: dict[str, Any] | None, reason: dict[str, Any] | None
) -> tuple[str | None, str | None, str | None]:
    held = (drug or {}).get("coding", [])
    options = [coding.get("code") for coding in held if coding.get("system") == DRUGS]
    drugs = [coding for coding in held if coding.get("system") != DRUGS]
    reasons = (reason or {}).get("coding", [])
    if len(options) > 1 or (reason and not reasons):
        refuse("several options of the list of drugs, or a reason without a code")
    if any(coding.get("system") not in _DRUG_SYSTEMS for coding in drugs):
        refuse("a drug code of a system that would read as a reason")
    if any(coding.get("system") not in _REASON_SYSTEMS for coding in reasons):
        refuse("a reason of a system that would read as the drug")
    return (drug or {}).get("text"), coded_text([*drugs, *reasons]), options[0] if options else None


def _active(status: object) -> bool:
    found = {name: flag for flag, name in _STATUSES.items()}.get(str(status))
    if found is None:
        refuse("the column knows active and not active only")
    return found


def _usage(code: str | None, title: str | None) -> dict[str, Any]:
    return decode_usage(USAGE, code, title)


def _usage_back(concept: dict[str, Any]) -> tuple[str | None, str | None]:
    return encode_usage(USAGE, concept)


class MedicationMapping(Mapping[MedicationRow]):
    """Both directions of a medication that the patient is said to take."""

    element, resource = "medications", "MedicationStatement"
    row = MedicationRow
    table, key, system = "lists", "id", f"{LEGACY}/id/lists-medication"
    where = MappingProxyType({"type": "medication"})
    joins = (
        Join(
            "lists_medication",
            on={"list_id": "id"},
            columns={
                "drug_dosage_instructions": "drug_dosage_instructions",
                "usage_category": "usage_category",
                "usage_category_title": "usage_category_title",
                "prescription_id": "prescription_id",
                "reporting_source_record_id": "reporting_source_record_id",
            },
        ),
    )
    fields = (
        Reference("pid", "subject", to=patients),
        Field(
            ("title", "diagnosis", "list_option_id"),
            ("medicationCodeableConcept", "reasonCode[id=diagnosis]"),
            _drug,
            _drug_back,
            lossy=True,
            why="drug codes are written back before reasons, whatever their order was",
        ),
        Field(
            "activity",
            "status",
            _STATUSES.__getitem__,
            _active,
            disposition=ColumnDisposition.TERMINOLOGY,
            why="not active is neither stopped nor completed: its status is unknown",
        ),
        Field("begdate", "effectivePeriod.start", *DAY_OR_TIME),
        Field("enddate", "effectivePeriod.end", *DAY_OR_TIME),
        Field("date", "dateAsserted", *local_time(CLINIC_TZ)),
        Field("comments", "note[id=comments].text"),
        Field("external_id", f"identifier[system={LEGACY}/external-list].value"),
        Field(
            "drug_dosage_instructions",
            "dosage[id=instructions].text",
            why="free text stays text: no number is read from it",
        ),
        Field(
            ("usage_category", "usage_category_title"),
            "category",
            _usage,
            _usage_back,
            disposition=ColumnDisposition.TERMINOLOGY,
        ),
        Reference("prescription_id", "basedOn[id=prescription]", to=prescriptions),
        Reference("reporting_source_record_id", "informationSource", to=practitioners),
        *UNMAPPED,
        Unsupported("outcome", why="of problems and allergies; no place in MedicationStatement"),
        Unsupported(
            *("reaction", "verification", "severity_al"),
            why="of allergies: a reaction to a drug is an allergy of its own",
        ),
        TraceabilityOnly("external_allergyid", why="id of an allergy in NewCrop"),
    )

    def enrich(self, row: MedicationRow, resource: Resource) -> Resource:
        """Refuse what FHIR demands and the row lacks, and an end before the start."""
        needed = {"subject": "pid", "medicationCodeableConcept": "title", "status": "activity"}
        for name, column in needed.items():
            if name not in resource:
                refuse(f"no {name}", column=column)
        if ends_before(row.enddate, row.begdate):
            refuse("ends before it begins", column="enddate")
        return resource


medications = MedicationMapping()
