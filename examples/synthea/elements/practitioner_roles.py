"""Practitioner roles: who works where, `providers.csv` to PractitionerRole."""

from typing import Any

from examples.synthea.elements.locations import locations
from examples.synthea.elements.organizations import organizations
from examples.synthea.elements.practitioners import practitioners
from examples.synthea.elements.synthea import ONE_WAY, US_CORE, Needed, id_system, phone
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Excluded, Field, OutOfScope
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Join


class PractitionerRoleRow(LegacyRow):
    """The columns that are read, and the phone number of the organization."""

    Id: Needed
    ORGANIZATION: Needed
    SPECIALITY: Text
    ORGANIZATION_PHONE: Text


def _place(key: str) -> tuple[Resource, list[Resource]]:
    return organizations.refer(key), [locations.refer(key)]


def _text(speciality: str) -> list[dict[str, Any]]:
    return [{"text": speciality}]


class PractitionerRoleMapping(Mapping[PractitionerRoleRow]):
    """A speciality is text: the files hold no code for it."""

    element, resource = "practitioner_roles", "PractitionerRole"
    row = PractitionerRoleRow
    table, key, system = "providers", "Id", id_system("practitioner_roles")
    profile = f"{US_CORE}/us-core-practitionerrole"
    refers_to = (organizations, locations)
    one_way = ONE_WAY
    joins = (
        Join(
            "organizations",
            on={"Id": "ORGANIZATION"},
            columns={"ORGANIZATION_PHONE": "PHONE"},
        ),
    )
    fields = (
        Reference("Id", "practitioner", to=practitioners),
        Field("ORGANIZATION", ("organization", "location"), _place),
        Field("SPECIALITY", "specialty", _text),
        Field("ORGANIZATION_PHONE", "telecom", phone, why="pd-1: a role needs a telecom"),
        OutOfScope("NAME", "GENDER", "ADDRESS", "CITY", "STATE", "ZIP", why="see practitioners"),
        Excluded("LAT", "LON", why="those of the organization"),
        Excluded("ENCOUNTERS", "PROCEDURES", why="totals of the simulation"),
    )


practitioner_roles = PractitionerRoleMapping()
