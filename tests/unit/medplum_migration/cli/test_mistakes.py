"""`check` on the mistakes of a mapping's author: one line each, where it is and what to do."""

import importlib
import sys
from pathlib import Path

import pytest

from tests.unit.medplum_migration.cli.command import Done, run

TOP = """from typing import Any

from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import LegacyRow, NullableText, Text
from medplum_migration.mapping.field import Excluded, Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.part import Part
from medplum_migration.mapping.reference import ITSELF, Reference


class Row(LegacyRow):
    no: int
    name: NullableText


class Beds(Mapping[Row]):
    element, resource, row, table, key, system = "beds", "Location", Row, "bed", "no", "urn:bed"
"""
HALLS = """

class Halls(Beds):
    element, system = "halls", "urn:hall"
    fields = (Field("name", "name"), Reference("no", "partOf", to=Beds()))


"""
CIRCLE = """Beds.refers_to = (Halls(),)
MAPPINGS = (Beds(), Halls())
"""
RIGHT = '    fields = (Field("name", "name"),)\n'
LISTED = "\n\nMAPPINGS: tuple[Mapping[Any], ...] = (Beds(),)\n"


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Check":
    """Run `check` on a module of elements."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ELEMENTS", "mistaken_elements")
    return Check(tmp_path / "mistaken_elements.py")


class Check:
    """`check` of the text of a module."""

    def __init__(self, module: Path) -> None:
        self._module = module

    def __call__(self, text: str) -> Done:
        """Write the module and check it."""
        self._module.write_text(text)
        sys.modules.pop("mistaken_elements", None)
        importlib.invalidate_caches()
        return run("check", "--examples", "20")


def test_nothing_is_wrong(check: Check) -> None:
    """0: the module that the cases below spoil."""
    assert 0 == check(TOP + RIGHT + LISTED).code


@pytest.mark.parametrize(
    ("told", "fields"),
    [
        (
            "nome: no column of the row model; add it",
            'Field("name", "name"), Field("nome", "alias")',
        ),
        ("name: the column has no disposition; add a Field", ""),
        (
            "up: excluded without a reason; add why=",
            'Field("name", "name"), Excluded("up", why="")',
        ),
        ("name: lossy without a reason; add why=", 'Field("name", "name", lossy=True)'),
        ("nam: Location has no element 'nam'; mend the path", 'Field("name", "nam")'),
        ("name[use]: not a list filter: [use]; write", 'Field("name", "name[use]")'),
        ("name: `to` does not take 1 values", 'Field("name", "name", lambda a, b: a + b, str)'),
        ("fields: Part is no Field", 'Part("one", Field("name", "name"))'),
    ],
)
def test_a_declaration_that_is_wrong(told: str, fields: str, check: Check) -> None:
    """3: class, place and what to do, on one line, and no traceback."""
    done = check(f"{TOP}    fields = ({fields}{',' if fields else ''})\n{LISTED}")

    assert (3, "") == (done.code, done.out)
    assert done.err.startswith(f"Configuration: mistaken_elements.Beds: {told}"), done.err
    assert 1 == len(done.err.splitlines())


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("two mappings have one element's name", "MAPPINGS = (Beds(), Beds())\n"),
        ("elements refer to each other in a circle", CIRCLE),
        ("refers to an element that is not in MAPPINGS", "MAPPINGS = (Halls(),)\n"),
        ("the module has no MAPPINGS", "MAPPING = (Beds(),)\n"),
        ("cannot be imported: name 'beds' is not defined", "MAPPINGS = (beds,)\n"),
        ("cannot be imported: expected ':'", "class Wards(Beds)\n"),
    ],
)
def test_a_module_that_is_wrong(told: str, text: str, check: Check) -> None:
    """3: which module, and the line where Python stopped."""
    done = check(f"{TOP}{RIGHT}{HALLS}{text}")

    assert (3, "") == (done.code, done.out)
    assert told in done.err
    assert 1 == len(done.err.splitlines())


@pytest.mark.parametrize(
    ("told", "fields"),
    [
        ("law valid: InvalidResourceError: ", 'Field("name", "address.citty")'),
        ("law isomorphism: AssertionError: name does not come", 'Field("name", "name", str.upper)'),
        ("law totality: ", 'Field("name", "name", lambda v: v["no"])'),
    ],
)
def test_what_the_laws_find(told: str, fields: str, check: Check) -> None:
    """1: what is wrong below the first name of a path, or in what a function does."""
    head = TOP + RIGHT
    wards = (
        f'class Wards(Beds):\n    element, system = "wards", "urn:w"\n    fields = ({fields},)\n'
    )
    done = check(f"{head}\n\n{wards}\n\nMAPPINGS = (Wards(),)\n")

    assert 1 == done.code
    assert f"  {told}" in done.out, done.out
