"""Practitioners: OpenEMR `users` to and from Practitioner.

`users` holds logins and the address book at once. What a person does, and where, is the element
practitioner roles; how a person signs in is not migrated.
"""

from data_elements.clinic import LEGACY
from data_elements.npi import NPI, NPI_SYSTEM
from medplum_migration.domain.data_element import Resource
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

_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"

_ONE, _TWO = in_order(1), in_order(2)


class PractitionerRow(LegacyRow):
    """The columns of `users` that are read."""

    id: int
    active: Flag
    npi: NullableText
    upin: NullableText
    federaltaxid: NullableText
    federaldrugid: NullableText
    state_license_number: NullableText
    title: NullableText
    fname: NullableText
    mname: NullableText
    lname: NullableText
    suffix: NullableText
    phone: NullableText
    phonew1: NullableText
    phonew2: NullableText
    phonecell: NullableText
    fax: NullableText
    email: NullableText
    email_direct: Text
    url: NullableText
    street: NullableText
    streetb: NullableText
    city: NullableText
    state: NullableText
    zip: NullableText
    country_code: NullableText
    street2: NullableText
    streetb2: NullableText
    city2: NullableText
    state2: NullableText
    zip2: NullableText
    country_code2: NullableText


def _identifier(column: str, name: str, code: str) -> tuple[Field, Constant]:
    """Map a business identifier of this clinic, with its type."""
    place = f"identifier[system={LEGACY}/{name}]"
    coding = {"system": _TYPES, "code": code}
    return Field(column, f"{place}.value"), Constant(f"{place}.type", {"coding": [coding]})


class PractitionerMapping(Mapping[PractitionerRow]):
    """Both directions of a person in `users`."""

    element, resource = "practitioners", "Practitioner"
    row = PractitionerRow
    table, key, system = "users", "id", f"{LEGACY}/id/users"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitioner"
    fields = (
        Field("active", "active"),
        Field("npi", f"identifier[system={NPI_SYSTEM}].value", *NPI),
        *_identifier("upin", "upin", "UPIN"),
        *_identifier("federaltaxid", "practitioner-tax-id", "TAX"),
        *_identifier("federaldrugid", "dea", "DEA"),
        *_identifier("state_license_number", "state-license", "LN"),
        Field("title", "name[use=official].prefix", *_ONE),
        Field(("fname", "mname"), "name[use=official].given", *_TWO),
        Field("lname", "name[use=official].family"),
        Field("suffix", "name[use=official].suffix", *_ONE),
        Field("phone", "telecom[system=phone,use=home].value"),
        Field("phonew1", "telecom[system=phone,use=work].value"),
        Field("phonew2", "telecom[system=phone,id=second-work].value"),
        Field("phonecell", "telecom[system=phone,use=mobile].value"),
        Field("fax", "telecom[system=fax].value"),
        Field("email", "telecom[system=email,id=usual].value"),
        Field("email_direct", "telecom[system=email,id=direct].value"),
        Field("url", "telecom[system=url].value"),
        Field(("street", "streetb"), "address[id=main].line", *_TWO),
        Field("city", "address[id=main].city"),
        Field("state", "address[id=main].state"),
        Field("zip", "address[id=main].postalCode"),
        Field("country_code", "address[id=main].country"),
        Field(("street2", "streetb2"), "address[id=alternate].line", *_TWO),
        Field("city2", "address[id=alternate].city"),
        Field("state2", "address[id=alternate].state"),
        Field("zip2", "address[id=alternate].postalCode"),
        Field("country_code2", "address[id=alternate].country"),
        TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
        TraceabilityOnly(
            *("date_created", "last_updated"), why="when the row was touched: audit of the store"
        ),
        OutOfScope(
            *("facility", "facility_id", "specialty", "taxonomy", "physician_type"),
            why="what the person does, and where; comes with the element practitioner roles",
        ),
        Excluded(
            *("username", "password", "google_signin_email", "portal_user"),
            why="how the person signs in; never leaves the legacy store",
        ),
        Excluded(
            *("authorized", "see_auth", "cal_ui", "calendar", "main_menu_role"),
            *("patient_menu_role", "default_warehouse", "irnpool", "cpoe", "source"),
            why="rights and settings in the legacy application",
        ),
        Excluded(*("newcrop_user_role", "weno_prov_id"), why="accounts of e-prescribing services"),
        Excluded(
            *("billname", "billing_facility", "billing_facility_id"),
            why="billing of the clinic, not clinical",
        ),
        Excluded(
            *("abook_type", "organization", "assistant", "valedictory"),
            why="address book of the legacy application",
        ),
        Unsupported("supervisor_id", why="who supervises whom has no element in R4"),
        Unsupported(*("info", "notes"), why="notes of any kind: Practitioner has no place for one"),
    )

    def enrich(self, row: PractitionerRow, resource: Resource) -> Resource:
        """Refuse what has no family name: a shared login, or an organization."""
        if row.lname is None:
            refuse("no family name: perhaps no person", column="lname")
        return resource


practitioners = PractitionerMapping()
