"""Practitioners: `providers.csv` to Practitioner."""

from typing import Any

from examples.synthea.elements.synthea import ONE_WAY, US_CORE, Needed, addresses, id_system
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Excluded, Field, OutOfScope, refuse
from medplum_migration.mapping.mapping import Mapping

SEX = Codes.packaged("examples.synthea", "codes/sex.csv")
_WORDS = 2


class PractitionerRow(LegacyRow):
    """The columns that are read."""

    Id: Needed
    NAME: Needed
    GENDER: Text
    ADDRESS: Text
    CITY: Text
    STATE: Text
    ZIP: Text


def _name(full: str) -> list[dict[str, Any]]:
    """Take a name of two words apart: Synthea writes one given and one family name."""
    words = full.split(" ")
    if len(words) != _WORDS or not all(words):
        refuse("not one given and one family name")
    return [{"text": full, "given": words[:1], "family": words[1]}]


class PractitionerMapping(Mapping[PractitionerRow]):
    """Whoever treats; the NPI and the mail address of the bundles are in no CSV file."""

    element, resource = "practitioners", "Practitioner"
    row = PractitionerRow
    table, key, system = "providers", "Id", id_system("providers")
    profile = f"{US_CORE}/us-core-practitioner"
    one_way = ONE_WAY
    fields = (
        Field("NAME", "name", _name),
        Field("GENDER", "gender", SEX.decode, SEX.encode),
        Field(("ADDRESS", "CITY", "STATE", "ZIP"), "address", addresses),
        OutOfScope("ORGANIZATION", "SPECIALITY", why="see practitioner_roles"),
        Excluded("LAT", "LON", why="those of the organization"),
        Excluded("ENCOUNTERS", "PROCEDURES", why="totals of the simulation"),
    )


practitioners = PractitionerMapping()
