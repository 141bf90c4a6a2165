"""What mypy tells the author of a data element before anything runs: the lines marked `refused`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from medplum_migration.mapping.scaffold import Draft, Kind, LegacyColumn, module

ROOT = Path(__file__).parents[3]
DECLARED = '''"""An element as an author writes it."""

from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Excluded, Field, Undecided
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.part import Part
from medplum_migration.mapping.reference import ITSELF, Reference


class WardRow(LegacyRow):
    """A ward."""

    no: int
    name: Text


class BedRow(LegacyRow):
    """A bed."""

    no: int


'''
GOOD = """class Wards(Mapping[WardRow]):
    element, resource, row = "wards", "Location", WardRow
    table, key, system = "ward", "no", "urn:ward"
    fields = (Field("name", "name"), Excluded("upd", why="audit of the store"))

    def enrich(self, row: WardRow, resource: Resource) -> Resource:
        return resource if row.name else {**resource, "status": "inactive"}


wards = Wards()
up: Reference = Reference("no", "partOf", to=wards, orphans=True)
parsed = wards.parse({"no": 1})
mapped: dict[str, object] = wards.from_fhir({}, {"no": 1})
"""
BAD = {
    "another_row": """class Wards(Mapping[WardRow]):
    def enrich(self, row: BedRow, resource: Resource) -> Resource:  # refused
        return resource
""",
    "misspelled_column": """class Wards(Mapping[WardRow]):
    def enrich(self, row: WardRow, resource: Resource) -> Resource:
        return {**resource, "alias": [row.nam]}  # refused
""",
    "no_row": "class Wards(Mapping): ...  # refused\n",
    "row_of_another": """class Wards(Mapping[WardRow]):
    row = BedRow  # refused
""",
    "no_row_model": """class Wards(Mapping[str]): ...  # refused
""",
    "no_path": 'FIELDS = (Field("name"),)  # refused\n',
    "no_reason": 'FIELDS = (Excluded("name"),)  # refused\n',
    "no_such_option": 'FIELDS = (Field("name", "name", loosy=True),)  # refused\n',
    "reference_by_name": 'FIELDS = (Reference("no", "partOf", to="wards"),)  # refused\n',
    "part_in_fields": """class Wards(Mapping[WardRow]):
    fields = (Part("one", Field("name", "name")),)  # refused
""",
    "aliases_of_a_list": """class Wards(Mapping[WardRow]):
    aliases = ["class_"]  # refused
""",
    "reason_that_is_none": 'FIELDS = (Undecided("name", why="later"),)  # refused\n',
}
DRAFT = Draft(
    *("wards", "Flag", "ward", tuple(LegacyColumn(f"{kind} no", kind) for kind in Kind)),
    keys=("whole no", "text no"),
    where={"flag no": 1},
    package="own",
    base="urn:clinic",
)
ERROR = re.compile(r"^(\w+)\.py:(\d+): error:", re.MULTILINE)


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[int]]:
    """Let mypy, as this project sets it, read all modules; give the lines it refuses."""
    folder = tmp_path_factory.mktemp("authors")
    modules = {"good": GOOD, **BAD, "drafted": ""}
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(DECLARED + text if text else module(DRAFT))
    done = subprocess.run(  # noqa: S603 because the program is ours
        [
            *(sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")),
            *("--cache-dir", str(ROOT / ".mypy_cache" / "authors"), "--no-error-summary"),
            *(f"{name}.py" for name in modules),
        ],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT / "shared")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 1 == done.returncode, done.stdout + done.stderr
    lines: dict[str, set[int]] = {name: set() for name in modules}
    for name, line in ERROR.findall(done.stdout):
        lines[name].add(int(line))
    return lines


@pytest.mark.integration
def test_a_right_element_is_let_through(refused: dict[str, set[int]]) -> None:
    """Nothing in a declaration needs a cast or an ignore, nor does what `elements new` writes."""
    assert (set(), set()) == (refused["good"], refused["drafted"])


@pytest.mark.integration
@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_refused_where_it_is(name: str, refused: dict[str, set[int]]) -> None:
    """The line is the author's own, and no other."""
    text = (DECLARED + BAD[name]).splitlines()
    wrong = {number for number, line in enumerate(text, 1) if line.endswith("# refused")}

    assert wrong == refused[name]
