"""Declarations: a key column names the record, and may say something of it besides."""

from typing import Any

import pytest

from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Excluded, Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference


class SiteRow(LegacyRow):
    """A place that is its own organization."""

    code: Text
    name: Text


class Sites(Mapping[SiteRow]):
    """The organizations of the places."""

    element, resource, row = "sites", "Organization", SiteRow
    table, key, system = "site", "code", "urn:site"
    fields = (Field("name", "name"),)


SITES = Sites()
OWNER = Reference("code", "managingOrganization", to=SITES)


class Rooms(Mapping[SiteRow]):
    """The same places as locations."""

    element, resource, row = "rooms", "Location", SiteRow
    table, key, system = "site", "code", "urn:room"
    fields = (OWNER, Field("name", "name"))


def test_a_field_may_read_the_key_column() -> None:
    """The key gives the identifier, and a reference besides; both come back."""
    row = {"code": "N1", "name": "North"}
    mapped = Rooms().to_fhir(row)

    assert isinstance(mapped, tuple)
    (resource,) = mapped
    assert [{"system": "urn:room", "value": "N1"}] == resource["identifier"]
    assert {"system": "urn:site", "value": "N1"} == resource["managingOrganization"]["identifier"]
    assert {"code", "name"} == Rooms().columns == Rooms().columns_read
    assert row == Rooms().from_fhir(resource, {"code": "", "name": ""})


@pytest.mark.parametrize("other", [Field("code", "alias"), Excluded("code", why="twice")])
def test_the_key_column_is_read_once_besides(other: Any) -> None:
    """A second field of the key column, or a reason not to read it, is one disposition too many."""
    with pytest.raises(TypeError, match="code: the column has two dispositions"):
        type("Twice", (Rooms,), {"fields": (*Rooms.fields, other)})


def test_what_stands_for_a_missing_value_may_be_owned() -> None:
    """A path may name the extensions of a primitive, not those of an element that is not there."""
    made = type("Absent", (Rooms,), {"owns": ("_name",)})()
    assert "_name" in {owned.path for owned in made.declaration.shapes[0].owned}
    with pytest.raises(TypeError, match="Location has no element 'gender'"):
        type("Wrong", (Rooms,), {"owns": ("_gender",)})
