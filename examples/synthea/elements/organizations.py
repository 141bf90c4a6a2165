"""Organizations: `organizations.csv` to Organization."""

from examples.synthea.elements.synthea import (
    ONE_WAY,
    TERMINOLOGY,
    US_CORE,
    Needed,
    addresses,
    concept,
    id_system,
    phone,
)
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Constant, Excluded, Field, OutOfScope
from medplum_migration.mapping.mapping import Mapping


class OrganizationRow(LegacyRow):
    """The columns that are read."""

    Id: Needed
    NAME: Needed
    ADDRESS: Text
    CITY: Text
    STATE: Text
    ZIP: Text
    PHONE: Text


class OrganizationMapping(Mapping[OrganizationRow]):
    """Whoever gives care."""

    element, resource = "organizations", "Organization"
    row = OrganizationRow
    table, key, system = "organizations", "Id", id_system("organizations")
    profile = f"{US_CORE}/us-core-organization"
    one_way = ONE_WAY
    fields = (
        Constant("active", value=True, why="Synthea lists only organizations that are at work"),
        Constant("type", [concept(f"{TERMINOLOGY}/organization-type", "prov")]),
        Field("NAME", "name"),
        Field("PHONE", "telecom", phone),
        Field(("ADDRESS", "CITY", "STATE", "ZIP"), "address", addresses),
        OutOfScope("LAT", "LON", why="of the place: see locations"),
        Excluded("REVENUE", "UTILIZATION", why="totals of the simulation"),
    )


organizations = OrganizationMapping()
