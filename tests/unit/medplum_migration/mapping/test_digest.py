"""The digest of a mapping: changes with what decides the output, and with nothing else."""

import re
import subprocess
import sys
import types
from collections.abc import Callable
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BeforeValidator, field_validator

from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import Day, LegacyRow, LocalTime, Rows, Text
from medplum_migration.mapping.digest import digest
from medplum_migration.mapping.field import Constant, Excluded, Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.part import Part
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import PRESENT, Children, Join
from medplum_migration.mapping.transforms import DAY, in_order, local_time

ROOT = Path(__file__).parents[4]
HEADER = "legacy,code,system,display,relationship,canonical\n"
SEX = "M,male,urn:sex,Male,equivalent,y\n"


class Row(LegacyRow):
    """A small patient."""

    pid: int
    lname: Text
    dob: Day


class Small(Mapping[Row]):
    """A small mapping."""

    element, resource, row = "patients", "Patient", Row
    table, key, system = "patient", "pid", "urn:pid"
    fields = (
        Field("lname", "name[use=official].family"),
        Field("dob", "birthDate", *DAY),
        Excluded("score", why="not clinical"),
    )


def varied(**changes: object) -> str:
    """Digest the small mapping with other attributes."""
    kind: type[Mapping[Any]] = type("Small", (Small,), {"__module__": __name__, **changes})
    return digest(kind())


def by(to: Callable[..., Any], back: Callable[..., Any] = str) -> str:
    """Digest the small mapping with other functions for the name."""
    return varied(fields=(Field("lname", "name[use=official].family", to, back), Small.fields[1]))


def compiled(text: str, **names: object) -> Any:
    """Make the function `to` from source text, in a module of the fork's own."""
    scope: dict[str, object] = {"__name__": __name__, **names}
    exec(text, scope)  # noqa: S102 because the text is ours
    return scope["to"]


SAME = "def to(value):\n    return value.strip()\n"
UNCHANGED = {
    "a docstring": 'def to(value):\n    """Say why."""\n    return value.strip()\n',
    "a comment": "def to(value):\n    # a reason\n    return value.strip()\n",
    "a line break": "def to(\n    value,\n):\n    return (\n        value.strip()\n    )\n",
    "a local name": "def to(text):\n    return text.strip()\n",
    "an annotation": "def to(value: str) -> str:\n    return value.strip()\n",
}
CHANGED = {
    "another call": "def to(value):\n    return value.lstrip()\n",
    "a constant": "def to(value):\n    return value.strip('x')\n",
    "a default": "def to(value, more=1):\n    return value.strip()\n",
    "a default by name": "def to(value, *, more=1):\n    return value.strip()\n",
    "a function within": "def to(value):\n    return (lambda: value.strip())()\n",
    "a handler": "def to(value):\n    try:\n        return value.strip()\n    except KeyError: 0\n",
}


@pytest.mark.parametrize("text", UNCHANGED.values(), ids=UNCHANGED)
def test_what_means_the_same_has_the_same_digest(text: str) -> None:
    """Nobody is asked for a new version because of a comment."""
    assert by(compiled(SAME)) == by(compiled(text))


@pytest.mark.parametrize("text", CHANGED.values(), ids=CHANGED)
def test_other_code_has_another_digest(text: str) -> None:
    """Each change of code shows."""
    assert by(compiled(SAME)) != by(compiled(text))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"M": "male"}, {"M": "female"}),
        (("a", "b"), ("b", "a")),
        (frozenset(("a",)), frozenset(("b",))),
        (re.compile("a"), re.compile("b")),
        (re.compile("a"), re.compile("a", re.IGNORECASE)),
        (ZoneInfo("UTC"), ZoneInfo("America/New_York")),
        (date(2020, 1, 1), date(2020, 1, 2)),
        (1, True),
        (len, str.strip),
        (partial(int, base=8), partial(int, base=2)),
        (compiled("def to(): return 1"), compiled("def to(): return 2")),
        (compiled("def to(x): return x in {'a'}"), compiled("def to(x): return x in {'b'}")),
        (in_order(1).back, in_order(2).back),
        (re, sys),
    ],
)
def test_what_functions_load_counts(before: object, after: object) -> None:
    """Constants, tables, patterns, zones and functions of the module are followed."""
    text = "def to(value):\n    return held\n"

    assert by(compiled(text, held=before)) == by(compiled(text, held=before))
    assert by(compiled(text, held=before)) != by(compiled(text, held=after))


def test_functions_of_own_modules_are_followed() -> None:
    """`module.function` counts by its code, where the module is the fork's or the kit's."""
    text = "def to(value):\n    return module.clean(value)\n"
    own = f"{__name__.partition('.')[0]}.cleaning"
    told = []
    for body in ("return 1", "return 2"):
        module = types.ModuleType(own)
        module.__dict__["clean"] = compiled(f"def to(value): {body}")
        told.append(by(compiled(text, module=module)))

    assert told[0] != told[1]


def test_functions_of_other_packages_count_by_name() -> None:
    """An upgrade of a library asks for no new version."""
    text, told = "def to(value):\n    return held(value)\n", []
    for body in ("return 1", "return 2"):
        foreign = compiled(f"def to(value): {body}", __name__="elsewhere")
        foreign.__module__ = "elsewhere"
        told.append(by(compiled(text, held=foreign)))

    assert told[0] == told[1]


def test_what_closures_hold_counts() -> None:
    """Two zones, one function."""
    there = (Field("lname", "name[use=official].family"),)
    new_york, utc = (
        varied(
            row=Timed,
            fields=(*there, Field("dob", "deceasedDateTime", *local_time(ZoneInfo(name)))),
        )
        for name in ("America/New_York", "UTC")
    )

    assert new_york != utc


def test_a_function_that_calls_itself_ends() -> None:
    """Circles of functions are walked once, also before the inner one is there."""
    text = "def outer():\n  def to(value): return to(value)\n  return to\nto = outer()\n"
    early = "def outer():\n  def to(value): return x\n  return to\n  x = 1\nto = outer()\n"

    assert by(compiled(text)) == by(compiled(text))
    assert by(compiled(text)) != by(compiled(early))


class Timed(LegacyRow):
    """The small patient, with times."""

    pid: int
    lname: Text
    dob: LocalTime


def _shout(value: object) -> object:
    return value


class Shouted(LegacyRow):
    """The small patient, with a validator of its own."""

    pid: int
    lname: Annotated[str | None, BeforeValidator(_shout)]
    dob: Day


class Checked(Row):
    """The small patient, with a validating method."""

    @field_validator("lname")
    @classmethod
    def check(cls, value: object) -> object:
        """Hand through."""
        return value


class Defaulted(LegacyRow):
    """The small patient, with a default."""

    pid: int
    lname: Text = None
    dob: Day


@pytest.mark.parametrize(
    "changes",
    [
        {"system": "urn:other"},
        {"table": "persons"},
        {"where": {"active": 1}},
        {"where": {"active": PRESENT}},
        {"aliases": {"lname": "last name"}},
        {"profile": "https://example.org/profile"},
        {"owns": ("photo",)},
        {"deleted": {"active": True}},
        {"row": Shouted},
        {"row": Checked},
        {"row": Defaulted},
        {"enrich": lambda _self, _row, resource: resource},
        {"rule": property(lambda _self: 1)},
        {"rule": cached_property(lambda _self: 1)},
        {"rule": classmethod(lambda _cls: 1)},
        {"fields": (*Small.fields[:2], Constant("active", value=True))},
        {"fields": (Small.fields[0], Field("dob", "birthDate", *DAY, lossy=True, why="x"))},
        {"fields": (Field("lname", "name[use=usual].family"), Small.fields[1])},
        {"fields": (), "parts": (Part("one", *Small.fields[:2]),)},
    ],
    ids="-".join,
)
def test_what_is_declared_counts(changes: dict[str, object]) -> None:
    """Attributes, fields, parts, methods and the row model."""
    assert varied() != varied(**changes)


def test_where_rows_come_from_counts() -> None:
    """Joins and children are told by what they read."""

    class Held(LegacyRow):
        note: Text

    class Wide(Row):
        extra: Text
        notes: Rows[Held]

    told = set()
    for column in ("a", "b"):
        for order in (("at",), ("id",)):
            join = Join("other", on={"id": "pid"}, columns={"extra": column})
            notes = Children("notes", "note", on={"pid": "pid"}, columns=("note",), order_by=order)
            more = (Field("extra", "language.text"), Field("notes", "photo"))
            fields = (*Small.fields, *more)
            told.add(varied(row=Wide, joins=(join,), children=(notes,), fields=fields))

    assert 4 == len(told)


def test_reasons_and_versions_do_not_count() -> None:
    """They decide nothing about what is emitted."""
    fields = (*Small.fields[:2], Excluded("score", why="another reason"))

    assert varied() == varied(fields=fields, mapping_version=7, one_way="no way back")


def test_code_tables_count_by_their_lines() -> None:
    """The same file with other lines is another mapping."""
    one, same, other = (
        Codes("codes/sex.csv", lambda text=text: HEADER + text)  # type: ignore[misc]
        for text in (SEX, SEX, SEX.replace("male", "other"))
    )

    assert by(one.decode, one.encode) == by(same.decode, same.encode)
    assert by(one.decode, one.encode) != by(other.decode, other.encode)


def test_a_parent_counts_by_its_identifiers() -> None:
    """What else the parent maps changes nothing in those that refer to it."""

    def child(parent: Mapping[Any], *, orphans: bool = False) -> str:
        link = Reference("lname", "generalPractitioner", to=parent, orphans=orphans)
        return varied(fields=(link, Small.fields[1]))

    kinds: list[type[Mapping[Any]]] = [
        type("Parent", (Small,), {"__module__": __name__, **changes})
        for changes in ({}, {"profile": "https://example.org/profile"}, {"system": "urn:other"})
    ]
    plain, profiled, moved = (kind() for kind in kinds)

    assert child(plain) == child(profiled)
    assert child(plain) != child(moved)
    assert child(plain) != child(plain, orphans=True)


def test_the_digest_is_the_same_in_every_process() -> None:
    """Whatever the seed of hashing, and with assertions on or off."""
    script = (
        "import sys; sys.path[:0] = ['shared']\n"
        "from data_elements.patients import patients\n"
        "from medplum_migration.mapping.digest import digest\n"
        "print(digest(patients))"
    )
    told = {
        subprocess.run(  # noqa: S603 because the program is ours
            [sys.executable, *options, "-c", script],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, options in (("1", ()), ("2", ()), ("3", ("-O",)))
    }

    assert 1 == len(told)


class Speller:
    """An object of the fork's own, whose method is a field's function."""

    def __init__(self, ending: str) -> None:
        self.ending = ending

    @cached_property
    def suffix(self) -> str:
        """What is put behind."""
        return f" {self.ending}"

    def to(self, value: str) -> str:
        """Put it behind."""
        return value + self.suffix


def test_an_object_counts_by_what_it_holds() -> None:
    """And not by what it has worked out and kept."""
    used, other = Speller("MD"), Speller("RN")
    before = by(used.to)
    used.to("Ann")

    assert before == by(used.to)
    assert before != by(other.to)
