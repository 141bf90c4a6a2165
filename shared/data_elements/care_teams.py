"""Care teams: OpenEMR `care_teams` with its `care_team_member` to CareTeam.

OpenEMR gives some roles the SNOMED CT code of another occupation; only reviewed ones are used, the
others stay the clinic's own code. A member is a user, a contact or a facility.
"""

from typing import Any

from data_elements.clinic import LEGACY
from data_elements.options import Options
from data_elements.organizations import organizations
from data_elements.patients import patients
from data_elements.practitioners import practitioners
from medplum_migration.domain.data_element import Resource
from medplum_migration.fhir.tombstones import absent
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import (
    Day,
    LegacyRow,
    Link,
    NullableLink,
    NullableText,
    Rows,
    Text,
)
from medplum_migration.mapping.field import Field, TraceabilityOnly, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Children

STATUS = Codes.packaged("data_elements", "codes/care_team_status.csv")
ROLE = Options.packaged(
    "data_elements", "codes/care_team_role.csv", local=f"{LEGACY}/care_team_roles"
)
CONTACT = f"{LEGACY}/id/contact"
_IN_ERROR = "entered-in-error"


class MemberRow(LegacyRow):
    """The columns of `care_team_member` that are read."""

    id: int
    user_id: NullableLink
    contact_id: NullableLink
    facility_id: NullableLink
    role: Text
    provider_since: Day
    status: NullableText
    note: NullableText


class CareTeamRow(LegacyRow):
    """The columns of `care_teams` that are read, and the team's members."""

    id: int
    pid: Link
    status: NullableText
    team_name: NullableText
    note: NullableText
    members: Rows[MemberRow]


def _people(
    note: str | None, members: tuple[MemberRow, ...] | None
) -> tuple[list[dict[str, Any]] | None, list[dict[str, Any]] | None]:
    """Give participants and notes; a participant has no note of its own in R4."""
    kept = [member for member in members or () if member.status != _IN_ERROR]
    notes = [{"id": "team", "text": note}] if note is not None else []
    notes += [{"id": _id(m), "text": m.note} for m in kept if m.note is not None]
    return [_participant(member) for member in kept] or None, notes or None


def _id(member: MemberRow) -> str:
    return f"member-{member.id}"


def _participant(member: MemberRow) -> dict[str, Any]:
    if member.status not in (None, "active", "inactive"):
        refuse("a member who is neither active nor inactive", column="members")
    made = {"id": _id(member)} | _who(member)
    if member.role is not None:
        made["role"] = [ROLE.decode_option(member.role)]
    period: dict[str, Any] = {}
    if member.provider_since is not None:
        period["start"] = member.provider_since.isoformat()
    if member.status == "inactive":
        period["_end"] = absent()
    return made | ({"period": period} if period else {})


def _who(member: MemberRow) -> dict[str, Any]:
    """Give the member, and whom a user stands for (ctm-1 allows that of users only)."""
    user, contact, facility = member.user_id, member.contact_id, member.facility_id
    if contact is not None and not (user or facility):
        return {"member": {"identifier": {"system": CONTACT, "value": str(contact)}}}
    if contact is not None or not (user or facility):
        refuse("a member who is nobody, or two at once", column="members")
    place = {} if facility is None else organizations.refer(facility)
    if user is None:
        return {"member": place}
    made = {"member": practitioners.refer(user)}
    return made | {"onBehalfOf": place} if place else made


class CareTeamMapping(Mapping[CareTeamRow]):
    """From OpenEMR only."""

    element, resource = "care_teams", "CareTeam"
    row = CareTeamRow
    table, key, system = "care_teams", "id", f"{LEGACY}/id/care_teams"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-careteam"
    one_way = "members are rows of another table, which are added and closed, never rewritten"
    refers_to = (practitioners, organizations)
    children = (
        Children(
            "members",
            "care_team_member",
            on={"care_team_id": "id"},
            columns=tuple(MemberRow.model_fields),
            order_by=("id",),
        ),
    )
    fields = (
        Reference("pid", "subject", to=patients),
        Field("status", "status", STATUS.decode, STATUS.encode),
        Field("team_name", "name"),
        Field(
            ("note", "members"),
            ("participant", "note"),
            _people,
            lossy=True,
            why="a member entered in error is left out; one who is no longer active has an end that"
            " is not known",
        ),
        TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
        TraceabilityOnly(
            *("date_created", "date_updated", "created_by", "updated_by"),
            why="who touched the row and when: audit of the legacy store",
        ),
    )

    def enrich(self, row: CareTeamRow, resource: Resource) -> Resource:
        """Refuse a team of nobody's."""
        if row.pid is None:
            refuse("a care team without patient", column="pid")
        return resource


care_teams = CareTeamMapping()
