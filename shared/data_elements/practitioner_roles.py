"""Practitioner roles: OpenEMR `users` to PractitionerRole, what a person does and where.

The telephone and the e-mail address are those of the role: at work, and of the facility. Without
either the role does not meet US Core (pd-1).
"""

import re
from typing import Any

from data_elements.clinic import LEGACY
from data_elements.locations import locations
from data_elements.organizations import NUCC, organizations
from data_elements.practitioners import practitioners
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import Flag, LegacyRow, Link, NullableText, Text
from medplum_migration.mapping.field import Excluded, Field, OutOfScope, TraceabilityOnly, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Join

UNTOUCHED = "207Q00000X"
"""Family medicine: the default of the column `taxonomy`, whatever the person does."""

PHYSICIAN_TYPE = Codes.packaged(
    "data_elements", "codes/physician_type.csv", local=f"{LEGACY}/physician-type"
)


class PractitionerRoleRow(LegacyRow):
    """The columns of `users` that are read, and what the facility adds."""

    id: int
    active: Flag
    facility_id: Link
    organization: NullableText
    taxonomy: Text
    specialty: NullableText
    physician_type: NullableText
    phonew1: NullableText
    facility_phone: NullableText
    facility_email: NullableText


def _where(
    facility: int | None, organization: str | None
) -> tuple[Resource, list[Resource] | None]:
    """Give the organization and the place; one outside the clinic is known by its name only."""
    if facility is None:
        return {"display": organization}, None
    return organizations.refer(facility), [locations.refer(facility)]


def _code(taxonomy: str) -> str:
    if not re.fullmatch(r"[0-9A-Z]{9}X", taxonomy, re.ASCII):
        refuse("no code of the taxonomy")
    return taxonomy


def _specialty(taxonomy: str | None, specialty: str | None) -> list[dict[str, Any]] | None:
    made: list[dict[str, Any]] = []
    if taxonomy is not None and taxonomy != UNTOUCHED:
        made.append({"coding": [{"system": NUCC, "code": _code(taxonomy)}]})
    if specialty is not None:
        made.append({"text": specialty})
    return made or None


def _kind(value: str) -> list[dict[str, Any]]:
    return [PHYSICIAN_TYPE.decode_concept(value)]


class PractitionerRoleMapping(Mapping[PractitionerRoleRow]):
    """What a user does, and where."""

    element, resource = "practitioner_roles", "PractitionerRole"
    row = PractitionerRoleRow
    table, key, system = "users", "id", f"{LEGACY}/id/users/role"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitionerrole"
    one_way = "its columns are those of the practitioner and of the facility"
    refers_to = (organizations, locations)
    joins = (
        Join(
            "facility",
            on={"id": "facility_id"},
            columns={"facility_phone": "phone", "facility_email": "email"},
        ),
    )
    fields = (
        Reference("id", "practitioner", to=practitioners),
        Field("active", "active"),
        Field(
            ("facility_id", "organization"),
            ("organization", "location"),
            _where,
            lossy=True,
            why="an organization in the address book counts only without a facility",
        ),
        Field(
            ("taxonomy", "specialty"),
            "specialty",
            _specialty,
            lossy=True,
            why="the default of taxonomy says nothing, so family medicine is not told",
        ),
        Field("physician_type", "code", _kind),
        Field("phonew1", "telecom[system=phone,use=work].value"),
        Field("facility_phone", "telecom[system=phone,id=facility].value"),
        Field("facility_email", "telecom[system=email,id=facility].value"),
        OutOfScope(
            *("npi", "upin", "federaltaxid", "federaldrugid", "state_license_number"),
            *("title", "fname", "mname", "lname", "suffix"),
            *("phone", "phonew2", "phonecell", "fax", "email", "email_direct", "url"),
            *("street", "streetb", "city", "state", "zip", "country_code"),
            *("street2", "streetb2", "city2", "state2", "zip2", "country_code2"),
            *("info", "notes", "supervisor_id"),
            why="about the person: element practitioners",
        ),
        TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
        TraceabilityOnly("facility", why="the facility's name, copied; facility_id tells which"),
        TraceabilityOnly(
            *("date_created", "last_updated"), why="when the row was touched: audit of the store"
        ),
        Excluded(
            *("username", "password", "google_signin_email", "portal_user"),
            why="how the person signs in; never leaves the legacy store",
        ),
        Excluded(
            *("authorized", "see_auth", "cal_ui", "calendar", "main_menu_role"),
            *("patient_menu_role", "default_warehouse", "irnpool", "cpoe", "source"),
            why="rights and settings in the legacy application, no role in care",
        ),
        Excluded(*("newcrop_user_role", "weno_prov_id"), why="accounts of e-prescribing services"),
        Excluded(
            *("billname", "billing_facility", "billing_facility_id"),
            why="billing of the clinic, not clinical",
        ),
        Excluded(
            *("abook_type", "assistant", "valedictory"),
            why="address book of the legacy application",
        ),
    )


practitioner_roles = PractitionerRoleMapping()
