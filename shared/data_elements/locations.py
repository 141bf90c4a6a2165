"""Locations: OpenEMR `facility` to Location, the place of an organization."""

from typing import Any

from data_elements.clinic import LEGACY
from data_elements.organizations import organizations
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.columns import Flag, LegacyRow, NullableLink, NullableText, Text
from medplum_migration.mapping.field import Excluded, Field, OutOfScope, TraceabilityOnly, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.transforms import in_order

PLACE_OF_SERVICE = (
    "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
)


class LocationRow(LegacyRow):
    """The columns of `facility` that are read."""

    id: int
    name: NullableText
    inactive: Flag
    pos_code: NullableLink
    phone: NullableText
    fax: NullableText
    email: NullableText
    website: NullableText
    street: NullableText
    city: NullableText
    state: NullableText
    postal_code: NullableText
    country_code: Text


def _status(inactive: bool) -> str:  # noqa: FBT001 because it is a column's value
    return "inactive" if inactive else "active"


def _place(code: int) -> list[dict[str, Any]]:
    """Make the type of a place; the codes of CMS have two digits."""
    if not 1 <= code <= 99:  # noqa: PLR2004 because two digits hold no more
        refuse("no place of service")
    return [{"coding": [{"system": PLACE_OF_SERVICE, "code": f"{code:02}"}]}]


class LocationMapping(Mapping[LocationRow]):
    """The place where a facility is."""

    element, resource = "locations", "Location"
    row = LocationRow
    table, key, system = "facility", "id", f"{LEGACY}/id/facility/location"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-location"
    one_way = "its columns are those of the organization, which goes both ways"
    fields = (
        Reference("id", "managingOrganization", to=organizations),
        Field("name", "name"),
        Field("inactive", "status", _status),
        Field("pos_code", "type", _place),
        Field("phone", "telecom[system=phone].value"),
        Field("fax", "telecom[system=fax].value"),
        Field("email", "telecom[system=email].value"),
        Field("website", "telecom[system=url].value"),
        Field("street", "address.line", *in_order(1)),
        Field("city", "address.city"),
        Field("state", "address.state"),
        Field("postal_code", "address.postalCode"),
        Field("country_code", "address.country"),
        OutOfScope(
            *("organization_type", "facility_taxonomy", "facility_npi", "domain_identifier"),
            *("federal_ein", "facility_code", "oid", "attn"),
            *("mail_street", "mail_street2", "mail_city", "mail_state", "mail_zip"),
            why="the organization's, not the place's: element organizations",
        ),
        TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
        TraceabilityOnly(
            *("date_created", "last_updated"), why="when the row was touched: audit of the store"
        ),
        Excluded(
            *("service_location", "billing_location", "accepts_assignment", "x12_sender_id"),
            *("tax_id_type", "primary_business_entity", "iban"),
            why="billing of the clinic, not clinical",
        ),
        Excluded("weno_id", why="account of an e-prescribing service"),
        Excluded(*("color", "extra_validation"), why="state of the legacy application"),
        Excluded("info", why="notes of any kind, which may not be about the place"),
    )

    def enrich(self, row: LocationRow, resource: Resource) -> Resource:
        """Refuse what has no name: nobody could tell which place it is."""
        if row.name is None:
            refuse("no name", column="name")
        return resource


locations = LocationMapping()
