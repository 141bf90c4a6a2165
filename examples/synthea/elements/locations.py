"""Locations: the places of `organizations.csv` to Location; each organization has one."""

from decimal import Decimal

from examples.synthea.elements.organizations import organizations
from examples.synthea.elements.synthea import ONE_WAY, US_CORE, Needed, address, id_system, phone
from medplum_migration.mapping.columns import Amount, LegacyRow, Text
from medplum_migration.mapping.field import Constant, Excluded, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference


class LocationRow(LegacyRow):
    """The columns that are read."""

    Id: Needed
    NAME: Needed
    ADDRESS: Text
    CITY: Text
    STATE: Text
    ZIP: Text
    LAT: Amount
    LON: Amount
    PHONE: Text


def _position(latitude: Decimal | None, longitude: Decimal | None) -> dict[str, Decimal]:
    if latitude is None or longitude is None:
        refuse("one of latitude and longitude without the other")
    return {"latitude": latitude, "longitude": longitude}


class LocationMapping(Mapping[LocationRow]):
    """Where an organization gives care."""

    element, resource = "locations", "Location"
    row = LocationRow
    table, key, system = "organizations", "Id", id_system("locations")
    profile = f"{US_CORE}/us-core-location"
    one_way = ONE_WAY
    fields = (
        Constant("status", "active", why="Synthea lists only organizations that are at work"),
        Field("NAME", "name"),
        Field("PHONE", "telecom", phone),
        Field(("ADDRESS", "CITY", "STATE", "ZIP"), "address", address),
        Field(("LAT", "LON"), "position", _position),
        Reference("Id", "managingOrganization", to=organizations),
        Excluded("REVENUE", "UTILIZATION", why="totals of the simulation"),
    )


locations = LocationMapping()
