"""Declarations: what they say, and how each mistake is told, by class, place and what to do."""

from types import MappingProxyType
from typing import Any

import pytest

from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.declaration import DeclarationError
from medplum_migration.mapping.field import Constant, Excluded, Field, Undecided, same
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.part import Part
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


class Waiting(Mapping[SiteRow]):
    """A place of which one column is not decided."""

    element, resource, row = "sites", "Organization", SiteRow
    table, key, system = "site", "code", "urn:site"
    fields = (Undecided("name"), Excluded("odd name", why="not clinical"))


def test_an_undecided_column_is_read_and_named() -> None:
    """It stays in the row model, so that the draft can be tried while it is decided."""
    assert ("name",) == Waiting.declaration.undecided
    assert {"code", "name"} == Waiting().columns_read
    assert {"code", "name", "odd name"} == Waiting().columns
    assert () == Sites.declaration.undecided


class WardRow(LegacyRow):
    """Columns whose names Python, or pydantic, keeps for itself."""

    from_: Text
    json_: Text


class Wards(Mapping[WardRow]):
    """Wards by the names of the row model."""

    element, resource, row = "wards", "Location", WardRow
    table, key, system = "ward", "from_", "urn:ward"
    aliases = MappingProxyType({"from_": "from", "json_": "json"})
    fields = (Field("json_", "name"),)


def test_aliases_name_columns_that_python_cannot_spell() -> None:
    """The source reads the columns by their own names; rows have those of the row model."""
    source = Wards().source

    assert (("from",), ("from_", "json_")) == (source.keys, source.columns)
    assert {"from_": "from", "json_": "json"} == source.aliases
    assert "7" == Wards().key_of({"from_": "7"})


class NoRow(LegacyRow):
    """A table without what the mappings below read."""

    number: int


with pytest.warns(UserWarning, match="shadows an attribute"):

    class ShadowRow(LegacyRow):
        """A column called as a method of every row model."""

        code: Text
        name: Text
        copy: Text  # type: ignore[assignment]  # because that is what is told


def field(name: str) -> Field:
    """Make a field at a path of its own."""
    return Field("name", name)


@pytest.mark.parametrize(
    ("told", "attributes"),
    [
        ("row: the class attribute is missing", {"row": None}),
        ("key: the class attribute is missing", {"key": None}),
        ("table: the class attribute is missing", {"table": 7}),
        ("fields: the class attribute is missing", {"fields": field("name")}),
        ("fields: str is no Field", {"fields": ("name",)}),
        ("code: the key is no column of the row model", {"row": NoRow}),
        ("copy: a row model cannot use this name; call it copy_", {"row": ShadowRow}),
        ("cod: aliases name no column", {"aliases": {"cod": "class"}}),
        ("nam: no column of the row model", {"fields": (field("name"), Field("nam", "alias"))}),
        ("gone: no column of the row model", {"fields": (field("name"), Undecided("gone"))}),
        ("name: the column has no disposition", {"fields": ()}),
        ("name: the column has two", {"fields": (field("name"), Undecided("name"))}),
        ("name: the column is not read", {"fields": (Excluded("name", why="empty"),)}),
        ("x: excluded without a reason", {"fields": (field("name"), Excluded("x", why=""))}),
        ("name: lossy without a reason", {"fields": (Field("name", "name", lossy=True),)}),
        ("nome: Organization has no element 'nome'", {"fields": (field("nome"),)}),
        ("a..b: not a path", {"fields": (field("a..b"),)}),
        (
            "name: `to` does not take 1 values, as many as columns; mend it",
            {"fields": (Field("name", "name", lambda one, two: one + two, same),)},
        ),
        (
            "name: `back` does not take 2 values, as many as paths; mend it",
            {"fields": (Field("name", ("name", "alias"), same, lambda one: one),)},
        ),
        ("name: two entries own this", {"fields": (field("name"), Constant("name", "x"))}),
        ("resource: Org is no known resource type", {"resource": "Org"}),
        ("deleted: say what a Flag says", {"resource": "Flag", "fields": (field("code.text"),)}),
        (
            "part 'one': each part needs a name of its own",
            {"fields": (), "parts": (Part("one", field("name")), Part("one", field("alias")))},
        ),
        ("part '': each part needs", {"fields": (), "parts": (Part("", field("name")),)}),
    ],
)
def test_mistakes_are_told(told: str, attributes: dict[str, Any]) -> None:
    """Module and class come first, then the place, then what to do."""
    with pytest.raises(DeclarationError) as caught:
        type("Wrong", (Sites,), {**attributes, "__module__": "clinic.sites"})

    assert str(caught.value).startswith(f"clinic.sites.Wrong: {told}")


def test_a_function_that_does_not_tell_what_it_takes_is_let_through() -> None:
    """Some of Python's own functions have no signature; the laws call them."""
    largest: Any = type("Largest", (Sites,), {"fields": (Field("name", "name", max, max),)})

    assert max is largest.declaration.fields[1].to
