"""Patients: `patients.csv` to Patient."""

from decimal import Decimal
from typing import Any

from examples.synthea.elements.practitioners import SEX
from examples.synthea.elements.synthea import (
    LEGACY,
    ONE_WAY,
    TERMINOLOGY,
    US_CORE,
    Needed,
    address,
    concept,
    id_system,
)
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import Amount, Day, LegacyRow, Text
from medplum_migration.mapping.field import Constant, Excluded, Field, Function, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.transforms import DAY, in_order

SSN = "http://hl7.org/fhir/sid/us-ssn"
DRIVERS = "urn:oid:2.16.840.1.113883.4.3.25"
PASSPORT = "http://standardhealthrecord.org/fhir/StructureDefinition/passportNumber"
_EXTENSION = "http://hl7.org/fhir/StructureDefinition"
_UNKNOWN_ZIP = "00000"

MARITAL = Codes.packaged("examples.synthea", "codes/marital.csv", local=f"{LEGACY}/marital")
STATES = Codes.packaged("examples.synthea", "codes/states.csv")
RACE = Codes.packaged("examples.synthea", "codes/race.csv")
ETHNICITY = Codes.packaged("examples.synthea", "codes/ethnicity.csv")

_ONE = in_order(1)


class PatientRow(LegacyRow):
    """The columns that are read."""

    Id: Needed
    BIRTHDATE: Day
    DEATHDATE: Day
    SSN: Text
    DRIVERS: Text
    PASSPORT: Text
    PREFIX: Text
    FIRST: Text
    LAST: Text
    SUFFIX: Text
    MAIDEN: Text
    MARITAL: Text
    RACE: Needed
    ETHNICITY: Needed
    GENDER: Needed
    BIRTHPLACE: Text
    ADDRESS: Text
    CITY: Text
    STATE: Text
    COUNTY: Text
    ZIP: Text
    LAT: Amount
    LON: Amount


def _us_core(codes: Codes) -> Function:
    """Fill an extension of US Core: the category where there is one, and text."""

    def to(legacy: str) -> list[dict[str, Any]]:
        known = codes.forward.get(legacy)
        text = {"url": "text", "valueString": known.display if known else legacy}
        return [{"url": "ombCategory", "valueCoding": known.coding()}, text] if known else [text]

    return to


def _address(  # noqa: PLR0913, PLR0917 because they are the columns of one place
    line: str | None,
    city: str | None,
    state: str | None,
    county: str | None,
    postal_code: str | None,
    latitude: Decimal | None,
    longitude: Decimal | None,
) -> list[dict[str, Any]]:
    known = STATES.forward.get(state or "")
    postal_code = None if postal_code == _UNKNOWN_ZIP else postal_code
    made = address(line, city, known.code if known else state, postal_code)
    made |= {"district": county} if county else {}
    if latitude is not None and longitude is not None:
        made["extension"] = [
            {
                "url": f"{_EXTENSION}/geolocation",
                "extension": [
                    {"url": "latitude", "valueDecimal": latitude},
                    {"url": "longitude", "valueDecimal": longitude},
                ],
            }
        ]
    return [made] if made else refuse("nothing is known of the address")


def _type(code: str) -> dict[str, Any]:
    return concept(f"{TERMINOLOGY}/v2-0203", code)


class PatientMapping(Mapping[PatientRow]):
    """A person; the files hold neither middle names, nor phone numbers, nor languages."""

    element, resource = "patients", "Patient"
    row = PatientRow
    table, key, system = "patients", "Id", id_system("patients")
    profile = f"{US_CORE}/us-core-patient"
    one_way = ONE_WAY
    fields = (
        Field("SSN", f"identifier[system={SSN}].value"),
        Constant(f"identifier[system={SSN}].type", _type("SS")),
        Field("DRIVERS", f"identifier[system={DRIVERS}].value"),
        Constant(f"identifier[system={DRIVERS}].type", _type("DL")),
        Field("PASSPORT", f"identifier[system={PASSPORT}].value"),
        Constant(f"identifier[system={PASSPORT}].type", _type("PPN")),
        Field("PREFIX", "name[use=official].prefix", *_ONE),
        Field("FIRST", "name[use=official].given", *_ONE),
        Field("LAST", "name[use=official].family"),
        Field("SUFFIX", "name[use=official].suffix", *_ONE),
        Field("MAIDEN", "name[use=maiden].family"),
        Field("BIRTHDATE", "birthDate", *DAY),
        Field("DEATHDATE", "deceasedDateTime", *DAY),
        Field("GENDER", "gender", SEX.decode, SEX.encode),
        Field("MARITAL", "maritalStatus", MARITAL.decode_concept, MARITAL.encode_concept),
        Field("RACE", f"extension[url={US_CORE}/us-core-race].extension", _us_core(RACE)),
        Field(
            "ETHNICITY",
            f"extension[url={US_CORE}/us-core-ethnicity].extension",
            _us_core(ETHNICITY),
        ),
        Field("BIRTHPLACE", f"extension[url={_EXTENSION}/patient-birthPlace].valueAddress.text"),
        Field(
            ("ADDRESS", "CITY", "STATE", "COUNTY", "ZIP", "LAT", "LON"),
            "address",
            _address,
            lossy=True,
            why="00000 is no postal code; a state goes by its letters",
        ),
        Excluded("FIPS", why="the number of the county, whose name is mapped"),
        Excluded(
            *("HEALTHCARE_EXPENSES", "HEALTHCARE_COVERAGE", "INCOME"),
            why="totals of the simulation",
        ),
    )


patients = PatientMapping()
