"""Immunizations: OpenEMR `immunizations` to and from Immunization.

A refusal is a record of what was not done. A record whose completion is not told is quarantined:
that it was done is as little known as that it was not. Only a new record is the primary source.
"""

import re
from decimal import Decimal
from typing import Any

from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.coded_text import SYSTEMS, coded_text, codings
from data_elements.encounters import encounters
from data_elements.immunization_status import PRIMARY_SOURCE, STATUS
from data_elements.immunizations_unmapped import UNMAPPED
from data_elements.local_days import DAY_OR_TIME
from data_elements.options import Options, OptionText
from data_elements.patients import patients
from data_elements.practitioners import practitioners
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.columns import (
    Day,
    Flag,
    LegacyRow,
    LocalTime,
    Measured,
    NullableLink,
    NullableText,
)
from medplum_migration.mapping.field import ColumnDisposition, Constant, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.transforms import DAY, local_time

MVX = "http://hl7.org/fhir/sid/mvx"
_FUNCTION = "http://terminology.hl7.org/CodeSystem/v2-0443"
_UCUM = "http://unitsofmeasure.org"

VACCINE = Options.packaged("data_elements", "codes/vaccine.csv", local=f"{LEGACY}/immunizations")
MANUFACTURER = Options.packaged("data_elements", "codes/vaccine_manufacturer.csv", local=MVX)
ROUTE = Options.packaged("data_elements", "codes/drug_route.csv", local=f"{LEGACY}/drug_route")
SITE = Options.packaged(
    "data_elements",
    "codes/administration_site.csv",
    local=f"{LEGACY}/immunization_administered_site",
)
UNIT = Options.packaged("data_elements", "codes/drug_units.csv", local=f"{LEGACY}/drug_units")

_CVX = re.compile(r"\d{2,3}", re.ASCII)


class ImmunizationRow(LegacyRow):
    """The columns of `immunizations` that are read."""

    id: int
    patient_id: NullableLink
    encounter_id: NullableLink
    administered_date: LocalTime
    create_date: LocalTime
    immunization_id: NullableLink
    cvx_code: NullableText
    manufacturer: NullableText
    lot_number: NullableText
    expiration_date: Day
    administered_by_id: NullableLink
    administered_by: NullableText
    ordering_provider: NullableLink
    amount_administered: Measured
    amount_administered_unit: OptionText
    route: OptionText
    administration_site: OptionText
    added_erroneously: Flag
    completion_status: NullableText
    refusal_reason: NullableText
    information_source: NullableText
    education_date: Day
    vis_date: Day
    reason_code: NullableText
    reason_description: NullableText
    note: NullableText
    external_id: NullableText


def _vaccine(cvx: str | None, number: int | None) -> dict[str, Any]:
    local = VACCINE.decode_number(number) if number else {"coding": []}
    if cvx is None:
        return local
    if not _CVX.fullmatch(cvx):
        refuse("no CVX code")
    return local | {"coding": [{"system": SYSTEMS["CVX"], "code": cvx}, *local["coding"]]}


def _vaccine_back(concept: dict[str, Any]) -> tuple[str | None, int | None]:
    held = concept.get("coding", [])
    cvx = [coding.get("code") for coding in held if coding.get("system") == SYSTEMS["CVX"]]
    local = [coding for coding in held if coding.get("system") != SYSTEMS["CVX"]]
    if not held or len(cvx) > 1 or not _CVX.fullmatch(str(cvx[0] if cvx else "00")):
        refuse("the columns hold one CVX code and one of the clinic's vaccines")
    return cvx[0] if cvx else None, int(VACCINE.chosen(local)) if local else None


def _manufacturer(name: str) -> dict[str, Any]:
    """Name the company by its MVX code, or by the text that stands in the column."""
    known = MANUFACTURER.forward.get(name)
    if known is None:
        return {"display": name}
    return {"identifier": {"system": MVX, "value": known.code}, "display": known.display}


def _manufacturer_back(company: dict[str, Any]) -> str:
    held = company.get("identifier")
    if held is None:
        return str(company.get("display") or refuse("a company without code or name"))
    if held.get("system") != MVX:
        refuse("a company without MVX code")
    return MANUFACTURER.encode(held.get("value"))


def _dose(amount: Decimal | None, unit: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {} if amount is None else {"value": amount}
    if unit is None:
        return made
    known = UNIT.forward.get(unit)
    if known is None:
        return made | {"unit": unit}
    return made | {"unit": known.display, "system": known.system, "code": known.code}


def _dose_back(dose: dict[str, Any]) -> tuple[Decimal | None, str | None]:
    if "comparator" in dose:
        refuse("the column holds plain numbers only")
    amount = Decimal(str(dose["value"])) if "value" in dose else None
    if "code" in dose:
        return amount, UNIT.chosen([dose])
    if dose.get("unit") in UNIT.forward:
        refuse("a unit that reads as the number of another")
    return amount, dose.get("unit")


def _administered(number: int | None, name: str | None) -> dict[str, Any]:
    made = practitioners.refer(number) if number else {}
    return made | {"display": name} if name else made


def _administered_back(actor: dict[str, Any]) -> tuple[int | None, str | None]:
    number = practitioners.referred(actor) if "identifier" in actor else None
    return number, actor.get("display")


def _reason(codes: str | None, text: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"text": text} if text else {}
    return {"coding": codings(codes.rstrip(";"))} | made if codes else made


def _reason_back(concept: dict[str, Any]) -> tuple[str | None, str | None]:
    return coded_text(concept.get("coding", [])), concept.get("text")


def _function(code: str) -> dict[str, Any]:
    return {"coding": [{"system": _FUNCTION, "code": code}]}


class ImmunizationMapping(Mapping[ImmunizationRow]):
    """Both directions of an immunization, given, not given, or reported."""

    element, resource = "immunizations", "Immunization"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-immunization"
    row = ImmunizationRow
    table, key, system = "immunizations", "id", f"{LEGACY}/id/immunizations"
    refers_to = (practitioners,)
    fields = (
        Reference("patient_id", "patient", to=patients),
        Reference("encounter_id", "encounter", to=encounters),
        Field(
            ("added_erroneously", "completion_status", "refusal_reason"),
            ("status", "statusReason", "isSubpotent"),
            *STATUS,
            disposition=ColumnDisposition.TERMINOLOGY,
            lossy=True,
            why="a record in error may lack its completion; it is written back as completed",
        ),
        Field(("cvx_code", "immunization_id"), "vaccineCode", _vaccine, _vaccine_back),
        Field("administered_date", "occurrenceDateTime", *DAY_OR_TIME),
        Field("create_date", "recorded", *local_time(CLINIC_TZ)),
        Field(
            "information_source",
            ("primarySource", "reportOrigin"),
            *PRIMARY_SOURCE,
            disposition=ColumnDisposition.TERMINOLOGY,
        ),
        Field("manufacturer", "manufacturer", _manufacturer, _manufacturer_back),
        Field("lot_number", "lotNumber"),
        Field("expiration_date", "expirationDate", *DAY),
        Field("administration_site", "site", SITE.decode_option, SITE.encode_option),
        Field("route", "route", ROUTE.decode_option, ROUTE.encode_option),
        Field(
            ("amount_administered", "amount_administered_unit"), "doseQuantity", _dose, _dose_back
        ),
        Field(
            ("administered_by_id", "administered_by"),
            "performer[id=administering].actor",
            _administered,
            _administered_back,
            disposition=ColumnDisposition.REFERENCE,
        ),
        Constant("performer[id=administering].function", _function("AP")),
        Reference("ordering_provider", "performer[id=ordering].actor", to=practitioners),
        Constant("performer[id=ordering].function", _function("OP")),
        Field("education_date", "education[id=vis].presentationDate", *DAY),
        Field("vis_date", "education[id=vis].publicationDate", *DAY),
        Constant("education[id=vis].documentType", "Vaccine Information Statement"),
        Field(
            ("reason_code", "reason_description"),
            "reasonCode[id=recorded]",
            _reason,
            _reason_back,
            lossy=True,
            why="a semicolon at the end goes",
        ),
        Field("note", "note[id=note].text"),
        Field("external_id", f"identifier[system={LEGACY}/external-immunization].value"),
        *UNMAPPED,
    )

    def enrich(self, row: ImmunizationRow, resource: Resource) -> Resource:
        """Refuse what FHIR or US Core demand and the row lacks."""
        del row
        needed = {
            "patient": "patient_id",
            "status": "completion_status",
            "vaccineCode": "cvx_code",
            "occurrenceDateTime": "administered_date",
        }
        for name, column in needed.items():
            if not resource.get(name):
                refuse(f"no {name}", column=column)
        return resource


immunizations = ImmunizationMapping()
