"""Organizations: OpenEMR `facility` to and from Organization.

A facility is an organization and a place at once; the place is the element locations.
"""

import re
from typing import Any

from data_elements.clinic import LEGACY
from data_elements.npi import NPI, NPI_SYSTEM
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import Flag, LegacyRow, NullableText, Text
from medplum_migration.mapping.field import (
    Constant,
    Excluded,
    Field,
    OutOfScope,
    TraceabilityOnly,
    Unsupported,
    refuse,
)
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.transforms import in_order

CLIA = "urn:oid:2.16.840.1.113883.4.7"
NUCC = "http://nucc.org/provider-taxonomy"
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+", re.ASCII)
_IDENTIFIERS = "http://terminology.hl7.org/CodeSystem/v2-0203"
_CONTACTS = "http://terminology.hl7.org/CodeSystem/contactentity-type"

ORGANIZATION_TYPE = Codes.packaged(
    "data_elements", "codes/organization_type.csv", local=f"{LEGACY}/organization-type"
)

_ONE, _TWO = in_order(1), in_order(2)


class OrganizationRow(LegacyRow):
    """The columns of `facility` that are read."""

    id: int
    name: NullableText
    inactive: Flag
    organization_type: Text
    facility_taxonomy: NullableText
    facility_npi: NullableText
    domain_identifier: NullableText
    federal_ein: NullableText
    facility_code: NullableText
    oid: Text
    phone: NullableText
    fax: NullableText
    email: NullableText
    website: NullableText
    street: NullableText
    city: NullableText
    state: NullableText
    postal_code: NullableText
    country_code: Text
    mail_street: NullableText
    mail_street2: NullableText
    mail_city: NullableText
    mail_state: NullableText
    mail_zip: NullableText
    attn: NullableText


def _turned(flag: bool) -> bool:  # noqa: FBT001 because it is a column's value
    return not flag


def _clia(value: str) -> str:
    if not re.fullmatch(r"\d\dD\d{7}", value, re.ASCII):
        refuse("no CLIA number")
    return value


def _oid(value: str) -> str:
    if not _OID.fullmatch(value):
        refuse("no object identifier")
    return f"urn:oid:{value}"


def _oid_back(value: str) -> str:
    prefix, _, found = value.rpartition(":")
    if prefix != "urn:oid" or not _OID.fullmatch(found):
        refuse("no object identifier")
    return found


def _taxonomy(value: str) -> dict[str, Any]:
    """Make a concept; what is no code of the taxonomy stays text."""
    if re.fullmatch(r"[0-9A-Z]{9}X", value, re.ASCII):
        return {"coding": [{"system": NUCC, "code": value}]}
    return {"text": value}


def _taxonomy_back(concept: dict[str, Any]) -> str:
    codings = concept.get("coding", ())
    found = [c.get("code") for c in codings if c.get("system") == NUCC] or [concept.get("text")]
    value = found[0]
    if (
        len(found) > 1
        or not isinstance(value, str)
        or bool(codings) != ("coding" in _taxonomy(value))
    ):
        refuse("neither one code of the taxonomy nor text")
    return value


class OrganizationMapping(Mapping[OrganizationRow]):
    """Both directions of a facility."""

    element, resource = "organizations", "Organization"
    row = OrganizationRow
    table, key, system = "facility", "id", f"{LEGACY}/id/facility"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization"
    fields = (
        Field("name", "name"),
        Field("inactive", "active", _turned, _turned),
        Field(
            "organization_type",
            "type[id=organization]",
            ORGANIZATION_TYPE.decode_concept,
            ORGANIZATION_TYPE.encode_concept,
        ),
        Field("facility_taxonomy", "type[id=taxonomy]", _taxonomy, _taxonomy_back),
        Field("facility_npi", f"identifier[system={NPI_SYSTEM}].value", *NPI),
        Field("domain_identifier", f"identifier[system={CLIA}].value", _clia, _clia),
        Field("federal_ein", f"identifier[system={LEGACY}/tax-id].value"),
        Constant(
            f"identifier[system={LEGACY}/tax-id].type",
            {"coding": [{"system": _IDENTIFIERS, "code": "TAX"}]},
        ),
        Field("facility_code", f"identifier[system={LEGACY}/facility-code].value"),
        Field("oid", "identifier[system=urn:ietf:rfc:3986].value", _oid, _oid_back),
        Field("phone", "telecom[system=phone].value"),
        Field("fax", "telecom[system=fax].value"),
        Field("email", "telecom[system=email].value"),
        Field("website", "telecom[system=url].value"),
        Field("street", "address[type=physical].line", *_ONE),
        Field("city", "address[type=physical].city"),
        Field("state", "address[type=physical].state"),
        Field("postal_code", "address[type=physical].postalCode"),
        Field("country_code", "address[type=physical].country"),
        Field(("mail_street", "mail_street2"), "address[type=postal].line", *_TWO),
        Field("mail_city", "address[type=postal].city"),
        Field("mail_state", "address[type=postal].state"),
        Field("mail_zip", "address[type=postal].postalCode"),
        Field("attn", "contact[id=billing].name.text"),
        Constant(
            "contact[id=billing].purpose", {"coding": [{"system": _CONTACTS, "code": "BILL"}]}
        ),
        TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
        TraceabilityOnly(
            *("date_created", "last_updated"), why="when the row was touched: audit of the store"
        ),
        OutOfScope("pos_code", why="place of service; comes with the element locations"),
        Excluded(
            *("service_location", "billing_location", "accepts_assignment", "x12_sender_id"),
            *("tax_id_type", "primary_business_entity", "iban"),
            why="billing of the clinic, not clinical",
        ),
        Excluded("weno_id", why="account of an e-prescribing service"),
        Excluded(*("color", "extra_validation"), why="state of the legacy application"),
        Unsupported("info", why="notes of any kind: Organization has no place for a note"),
    )

    def enrich(self, row: OrganizationRow, resource: Resource) -> Resource:
        """Refuse what has no name: nobody could tell which organization it is."""
        if row.name is None:
            refuse("no name", column="name")
        return resource


organizations = OrganizationMapping()
