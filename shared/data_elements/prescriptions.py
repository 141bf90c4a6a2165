"""Prescriptions: OpenEMR `prescriptions` to and from MedicationRequest.

Instructions and dose are texts and stay texts. That a prescription is not active any more proves
neither that it was stopped nor that it was completed: its status is unknown, whatever its end.
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.coded_text import SYSTEMS, coded_text, codings
from data_elements.encounters import encounters
from data_elements.options import Options, OptionText, decode_usage, encode_usage
from data_elements.patients import patients
from data_elements.practitioners import practitioners
from data_elements.prescriptions_unmapped import UNMAPPED
from medplum_migration.domain.data_element import Resource
from medplum_migration.fhir.tombstones import absent
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import (
    Amount,
    Day,
    Flag,
    LegacyRow,
    LocalTime,
    NullableLink,
    NullableText,
    Text,
    Whole,
    WrittenWhenMissing,
)
from medplum_migration.mapping.field import ColumnDisposition, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.transforms import DAY, local_time

_SIG = "dosageInstruction[id=sig]"
_STATED = f"{LEGACY}/StructureDefinition/prescription"

INTENT = Codes.packaged("data_elements", "codes/medication_intent.csv")
USAGE = Options.packaged(
    "data_elements",
    "codes/medication_request_category.csv",
    local=f"{LEGACY}/medication-usage-category",
)
ROUTE = Options.packaged("data_elements", "codes/drug_route.csv", local=f"{LEGACY}/drug_route")
FORM = Options.packaged("data_elements", "codes/drug_form.csv", local=f"{LEGACY}/drug_form")
UNIT = Options.packaged("data_elements", "codes/drug_units.csv", local=f"{LEGACY}/drug_units")
INTERVAL = Options.packaged(
    "data_elements", "codes/drug_interval.csv", local=f"{LEGACY}/drug_interval"
)

_STATUSES = {True: "active", False: "unknown"}
_SUBSTITUTION = {1: True, 2: False}
_RXNORM = re.compile(r"[1-9]\d{0,7}", re.ASCII)
_TITLES = {"": "order"}
_LARGEST = 2**31 - 1

AlwaysLink = Annotated[int, BeforeValidator(lambda held: held or 0), WrittenWhenMissing(0)]
AlwaysText = Annotated[str, BeforeValidator(lambda held: held or ""), WrittenWhenMissing("")]


class PrescriptionRow(LegacyRow):
    """The columns of `prescriptions` that are read."""

    id: int
    patient_id: NullableLink
    provider_id: AlwaysLink
    encounter: NullableLink
    date_added: LocalTime
    start_date: Day
    end_date: Day
    drug: NullableText
    rxnorm_drugcode: NullableText
    drug_dosage_instructions: NullableText
    dosage: NullableText
    form: NullableLink
    size: NullableText
    unit: NullableLink
    route: OptionText
    interval: NullableLink
    prn: NullableText
    quantity: Amount
    refills: Whole
    per_refill: NullableLink
    substitute: NullableLink
    active: Flag
    note: NullableText
    indication: NullableText
    diagnosis: NullableText
    usage_category: NullableText
    usage_category_title: Text
    request_intent: NullableText
    request_intent_title: AlwaysText
    external_id: NullableText


def _drug(name: str | None, code: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if code is not None:
        if not _RXNORM.fullmatch(code):
            refuse("no RxNorm number", column="rxnorm_drugcode")
        made["coding"] = [{"system": SYSTEMS["RXNORM"], "code": code}]
    return made | {"text": name} if name else made


def _drug_back(drug: dict[str, Any]) -> tuple[str | None, str | None]:
    held = drug.get("coding", [])
    if len(held) > 1 or any(coding.get("system") != SYSTEMS["RXNORM"] for coding in held):
        refuse("the column holds one RxNorm number")
    code = held[0].get("code") if held else None
    if code is not None and not _RXNORM.fullmatch(str(code)):
        refuse("no RxNorm number")
    return drug.get("text"), code


def _active(status: object) -> bool:
    found = {name: flag for flag, name in _STATUSES.items()}.get(str(status))
    if found is None:
        refuse("the column knows active and not active only")
    return found


def _intent(code: str | None, title: str) -> str:
    if code is not None:
        return INTENT.decode(code)
    titles = {row.display: row.code for row in INTENT.rows} | _TITLES
    if title not in titles:
        refuse("no intent has this title", column="request_intent_title")
    return titles[title]


def _intent_back(code: object) -> tuple[str, str]:
    legacy = INTENT.encode(code)
    return legacy, INTENT.forward[legacy].display


def _requester(provider: int) -> dict[str, Any]:
    return practitioners.refer(provider) if provider else absent()


def _requester_back(held: dict[str, Any]) -> int:
    return 0 if held == absent() else int(practitioners.referred(held))


def _usage(code: str | None, title: str | None) -> dict[str, Any]:
    return decode_usage(USAGE, code, title)


def _usage_back(concept: dict[str, Any]) -> tuple[str | None, str | None]:
    return encode_usage(USAGE, concept)


def _substitution(choice: int) -> bool:
    if choice not in _SUBSTITUTION:
        refuse("neither allowed nor forbidden")
    return _SUBSTITUTION[choice]


def _substitution_back(allowed: object) -> int:
    return 1 if allowed else 2


def _reason(text: str) -> dict[str, Any]:
    """Tell codes with a known prefix from plain text."""
    known = any(text.startswith(f"{prefix}:") for prefix in SYSTEMS)
    return {"coding": codings(text)} if known else {"text": text}


def _reason_back(concept: dict[str, Any]) -> str | None:
    if ("coding" in concept) == ("text" in concept):
        refuse("the column holds codes or text")
    text = concept.get("text") or coded_text(concept.get("coding", []))
    if _reason(str(text)).keys() != concept.keys() - {"id"}:
        refuse("text that reads as codes, or codes that read as text")
    return text


def _counted(number: int) -> int:
    return number if 0 <= number <= _LARGEST else refuse("less than none, or more than FHIR counts")


class PrescriptionMapping(Mapping[PrescriptionRow]):
    """Both directions of a prescription."""

    element, resource = "prescriptions", "MedicationRequest"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-medicationrequest"
    row = PrescriptionRow
    table, key, system = "prescriptions", "id", f"{LEGACY}/id/prescriptions"
    refers_to = (practitioners,)
    fields = (
        Reference("patient_id", "subject", to=patients),
        Field(
            "provider_id",
            "requester",
            _requester,
            _requester_back,
            disposition=ColumnDisposition.REFERENCE,
            why="US Core demands who ordered (us-core-21): marked absent where nobody is recorded",
        ),
        Reference("encounter", "encounter", to=encounters),
        Field("date_added", "authoredOn", *local_time(CLINIC_TZ)),
        Field(("drug", "rxnorm_drugcode"), "medicationCodeableConcept", _drug, _drug_back),
        Field(
            "active",
            "status",
            _STATUSES.__getitem__,
            _active,
            disposition=ColumnDisposition.TERMINOLOGY,
            why="not active is neither stopped nor completed: its status is unknown",
        ),
        Field(
            ("request_intent", "request_intent_title"),
            "intent",
            _intent,
            _intent_back,
            disposition=ColumnDisposition.TERMINOLOGY,
            lossy=True,
            why="the title repeats the code; neither of them is an order, as OpenEMR reads it",
        ),
        Field(
            ("usage_category", "usage_category_title"),
            "category[id=usage]",
            _usage,
            _usage_back,
            disposition=ColumnDisposition.TERMINOLOGY,
        ),
        Field("drug_dosage_instructions", f"{_SIG}.text", why="never parsed into numbers"),
        Field("start_date", f"{_SIG}.timing.repeat.boundsPeriod.start", *DAY),
        Field("end_date", f"{_SIG}.timing.repeat.boundsPeriod.end", *DAY),
        Field("interval", f"{_SIG}.timing.code", INTERVAL.decode_number, INTERVAL.encode_number),
        Field("route", f"{_SIG}.route", ROUTE.decode_option, ROUTE.encode_option),
        Field(
            "dosage",
            f"{_SIG}.extension[url={_STATED}-dose].valueString",
            why="text such as 10mg/5ml: never parsed into a dose",
        ),
        Field(
            "prn",
            f"{_SIG}.extension[url={_STATED}-prn].valueString",
            why="each e-prescribing service spells it its own way: no boolean is read from it",
        ),
        Field(
            "form",
            f"{_SIG}.extension[url={_STATED}-form].valueCodeableConcept",
            FORM.decode_number,
            FORM.encode_number,
        ),
        Field("size", f"extension[url={_STATED}-size].valueString", why="strength as text"),
        Field(
            "unit",
            f"extension[url={_STATED}-unit].valueCodeableConcept",
            UNIT.decode_number,
            UNIT.encode_number,
        ),
        Field("quantity", "dispenseRequest.quantity.value"),
        Field("refills", "dispenseRequest.numberOfRepeatsAllowed", _counted, _counted),
        Field(
            "per_refill",
            f"dispenseRequest.extension[url={_STATED}-per-refill].valueInteger",
            _counted,
            _counted,
        ),
        Field("substitute", "substitution.allowedBoolean", _substitution, _substitution_back),
        Field("note", "note[id=note].text"),
        Field("indication", "reasonCode[id=indication].text"),
        Field("diagnosis", "reasonCode[id=diagnosis]", _reason, _reason_back),
        Field("external_id", f"identifier[system={LEGACY}/external-prescription].value"),
        *UNMAPPED,
    )

    def enrich(self, row: PrescriptionRow, resource: Resource) -> Resource:
        """Refuse what FHIR demands and the row lacks, and an end before the start."""
        needed = {"subject": "patient_id", "medicationCodeableConcept": "drug", "status": "active"}
        for name, column in needed.items():
            if name not in resource:
                refuse(f"no {name}", column=column)
        if row.start_date and row.end_date and row.end_date < row.start_date:
            refuse("ends before it begins", column="end_date")
        return resource


prescriptions = PrescriptionMapping()
