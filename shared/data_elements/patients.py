"""Patients: OpenEMR `patient_data` to and from Patient.

The key is `pid`, which all other tables point at; `id` is not. An MRN (`pubpid`), an SSN and a
driver's licence are further identifiers, never keys: one SSN may belong to several people.
"""

import re
from typing import Any

from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.patients_unmapped import UNMAPPED
from data_elements.practitioners import practitioners
from medplum_migration.domain.data_element import Resource
from medplum_migration.fhir.tombstones import absent
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import (
    Day,
    LegacyRow,
    LocalTime,
    NullableLink,
    NullableText,
    Text,
)
from medplum_migration.mapping.field import ColumnDisposition, Constant, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.transforms import DAY, in_order, local_time

SSN = "http://hl7.org/fhir/sid/us-ssn"
_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_CONTACTS = "http://terminology.hl7.org/CodeSystem/v2-0131"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
_RELIGION = "http://hl7.org/fhir/StructureDefinition/patient-religion"

SEX = Codes.packaged("data_elements", "codes/sex.csv")
MARITAL = Codes.packaged(
    "data_elements", "codes/marital_status.csv", local=f"{LEGACY}/marital-status"
)
LANGUAGE = Codes.packaged("data_elements", "codes/language.csv", local=f"{LEGACY}/language")
RACE = Codes.packaged("data_elements", "codes/race.csv")
ETHNICITY = Codes.packaged("data_elements", "codes/ethnicity.csv")

_ONE, _TWO = in_order(1), in_order(2)
_STATES = {"active": True, "inactive": False}


class PatientRow(LegacyRow):
    """The columns of `patient_data` that are read."""

    pid: int
    pubpid: Text
    ss: Text
    drivers_license: Text
    title: Text
    fname: Text
    mname: Text
    lname: Text
    suffix: NullableText
    preferred_name: NullableText
    birth_fname: NullableText
    birth_mname: NullableText
    birth_lname: NullableText
    DOB: Day
    sex: Text
    status: Text
    deceased_date: LocalTime
    language: Text
    race: Text
    ethnicity: Text
    religion: Text
    street: Text
    street_line_2: NullableText
    city: Text
    county: Text
    state: Text
    postal_code: Text
    country_code: Text
    phone_home: Text
    phone_biz: Text
    phone_cell: Text
    email: Text
    email_direct: Text
    contact_relationship: Text
    phone_contact: Text
    mothersname: Text
    guardiansname: NullableText
    guardianrelationship: NullableText
    guardiansex: NullableText
    guardianaddress: NullableText
    guardiancity: NullableText
    guardianstate: NullableText
    guardianpostalcode: NullableText
    guardiancountry: NullableText
    guardianphone: NullableText
    guardianworkphone: NullableText
    guardianemail: NullableText
    providerID: NullableLink  # noqa: N815 because the column is called so


def _ssn(value: str) -> str:
    if not re.fullmatch(r"\d{3}-\d\d-\d{4}|\d{9}", value, re.ASCII):
        refuse("not nine digits, with both dashes or none")
    return value.replace("-", "")


def _ssn_back(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\d{9}", value, re.ASCII):
        refuse("not nine digits")
    return f"{value[:3]}-{value[3:5]}-{value[5:]}"


def _status(value: str) -> tuple[bool | None, dict[str, Any] | None]:
    """Old rows hold a marital status, new ones whether the record is active."""
    if value in _STATES:
        return _STATES[value], None
    if value.strip().casefold() in _STATES:
        refuse("a record state in another spelling")
    return None, MARITAL.decode_concept(value)


def _status_back(active: bool | None, marital: dict[str, Any] | None) -> str:  # noqa: FBT001 because it is the value at a path
    if marital is None:
        return "active" if active else "inactive"
    if active is not None:
        refuse("the column holds a marital status or a record state, not both")
    return MARITAL.encode_concept(marital)


def _us_core(codes: Codes) -> tuple[Any, Any]:
    """Fill the extensions of US Core for race and ethnicity: category where known, and text."""

    def to(legacy: str) -> list[dict[str, Any]]:
        known = codes.forward.get(legacy)
        if known is None:
            return [{"url": "text", "valueString": legacy}]
        category = {"url": "ombCategory", "valueCoding": known.coding()}
        return [category, {"url": "text", "valueString": known.display}]

    def back(parts: list[dict[str, Any]]) -> str:
        categories = [part["valueCoding"].get("code") for part in parts if "valueCoding" in part]
        if categories:
            return codes.encode(categories[0] if len(categories) == 1 else None)
        texts = [part["valueString"] for part in parts if "valueString" in part]
        if len(texts) != 1 or texts[0] in codes.forward:
            refuse("neither a category nor one text")
        return str(texts[0])

    return to, back


def _type(code: str) -> dict[str, Any]:
    return {"coding": [{"system": _TYPES, "code": code}]}


def _role(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


class PatientMapping(Mapping[PatientRow]):
    """Both directions of a patient."""

    element, resource = "patients", "Patient"
    row = PatientRow
    table, key, system = "patient_data", "pid", f"{LEGACY}/id/patient_data"
    profile = f"{_US_CORE}/us-core-patient"
    owns = ("_gender",)
    fields = (
        Field("pubpid", f"identifier[system={LEGACY}/mrn].value"),
        Constant(f"identifier[system={LEGACY}/mrn].type", _type("MR")),
        Field(
            "ss",
            f"identifier[system={SSN}].value",
            _ssn,
            _ssn_back,
            lossy=True,
            why="with and without dashes is one number; written back with dashes",
        ),
        Constant(f"identifier[system={SSN}].type", _type("SS")),
        Field("drivers_license", f"identifier[system={LEGACY}/drivers-license].value"),
        Constant(f"identifier[system={LEGACY}/drivers-license].type", _type("DL")),
        Field("title", "name[use=official].prefix", *_ONE),
        Field(("fname", "mname"), "name[use=official].given", *_TWO),
        Field("lname", "name[use=official].family"),
        Field("suffix", "name[use=official].suffix", *_ONE),
        Field("preferred_name", "name[use=nickname].given", *_ONE),
        Field(("birth_fname", "birth_mname"), "name[use=old].given", *_TWO),
        Field("birth_lname", "name[use=old].family"),
        Field("DOB", "birthDate", *DAY),
        Field(
            "sex",
            "gender",
            SEX.decode,
            SEX.encode,
            why="US Core demands one: a missing sex is marked absent, not guessed",
        ),
        Field(
            "status",
            ("active", "maritalStatus"),
            _status,
            _status_back,
            disposition=ColumnDisposition.CONDITIONAL,
            why="one column for two meanings",
        ),
        Field("deceased_date", "deceasedDateTime", *local_time(CLINIC_TZ)),
        Field(
            "language",
            "communication[id=language].language",
            LANGUAGE.decode_concept,
            LANGUAGE.encode_concept,
        ),
        Field("race", f"extension[url={_US_CORE}/us-core-race].extension", *_us_core(RACE)),
        Field(
            "ethnicity",
            f"extension[url={_US_CORE}/us-core-ethnicity].extension",
            *_us_core(ETHNICITY),
        ),
        Field("religion", f"extension[url={_RELIGION}].valueCodeableConcept.text"),
        Field(("street", "street_line_2"), "address[use=home].line", *_TWO),
        Field("city", "address[use=home].city"),
        Field("county", "address[use=home].district"),
        Field("state", "address[use=home].state"),
        Field("postal_code", "address[use=home].postalCode"),
        Field("country_code", "address[use=home].country"),
        Field("phone_home", "telecom[system=phone,use=home].value"),
        Field("phone_biz", "telecom[system=phone,use=work].value"),
        Field("phone_cell", "telecom[system=phone,use=mobile].value"),
        Field("email", "telecom[system=email,use=home].value"),
        Field("email_direct", "telecom[system=email,id=direct].value"),
        Field("contact_relationship", "contact[id=emergency].name.text", why="holds a name"),
        Field("phone_contact", "contact[id=emergency].telecom[system=phone].value"),
        Constant("contact[id=emergency].relationship[id=role]", _role(_CONTACTS, "C")),
        Field("mothersname", "contact[id=mother].name.text"),
        Constant("contact[id=mother].relationship[id=role]", _role(_ROLES, "MTH")),
        Field("guardiansname", "contact[id=guardian].name.text"),
        Constant("contact[id=guardian].relationship[id=role]", _role(_ROLES, "GUARD")),
        Field("guardianrelationship", "contact[id=guardian].relationship[id=stated].text"),
        Field("guardiansex", "contact[id=guardian].gender", SEX.decode, SEX.encode),
        Field("guardianaddress", "contact[id=guardian].address.line", *_ONE),
        Field("guardiancity", "contact[id=guardian].address.city"),
        Field("guardianstate", "contact[id=guardian].address.state"),
        Field("guardianpostalcode", "contact[id=guardian].address.postalCode"),
        Field("guardiancountry", "contact[id=guardian].address.country"),
        Field("guardianphone", "contact[id=guardian].telecom[system=phone,use=home].value"),
        Field("guardianworkphone", "contact[id=guardian].telecom[system=phone,use=work].value"),
        Field("guardianemail", "contact[id=guardian].telecom[system=email].value"),
        Reference(
            "providerID",
            "generalPractitioner[id=provider]",
            to=practitioners,
            orphans=True,
            why="a patient stays one although the provider's login was deleted",
        ),
        *UNMAPPED,
    )

    def enrich(self, row: PatientRow, resource: Resource) -> Resource:
        """Say that the sex is not known; refuse a guardian who is nobody (pat-1)."""
        if row.sex is None:
            resource["_gender"] = absent()
        for contact in resource.get("contact", ()):
            if not contact.keys() & {"name", "telecom", "address"}:
                refuse("a guardian without name, phone or address", column="guardianrelationship")
        return resource


patients = PatientMapping()
