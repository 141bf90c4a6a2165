"""`elements new` and `check` on what it wrote: a draft that loads, a draft that cannot be run."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.unit.medplum_migration.cli.command import Done, run

LISTED = """from typing import Any

from medplum_migration.mapping.mapping import Mapping

MAPPINGS: tuple[Mapping[Any], ...] = ()
"""
DDL = """CREATE TABLE {} (
    site TEXT NOT NULL, "no" INTEGER NOT NULL, "class" TEXT NOT NULL, "odd name" TEXT,
    "größe" INTEGER, "1st" DATE, _x TEXT, copy TEXT, "Text" TEXT, roomNo INTEGER, kind TEXT,
    nurse_id INTEGER NOT NULL, doctor_id INTEGER, "odd-name" BLOB, up NUMERIC, open BOOLEAN,
    seen DATETIME, opens TIME{}
)"""


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project whose elements are in the package `wards_of_a_test`, and its tables."""
    package = tmp_path / "project" / "shared" / "wards_of_a_test"
    package.mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").touch()
    (package / "__init__.py").write_text(LISTED)
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setenv("ELEMENTS", package.name)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'clinic.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql(DDL.format("beds", ', PRIMARY KEY (site, "no")'))
        connection.exec_driver_sql(DDL.format("loose", ""))
    engine.dispose()
    forget()
    return tmp_path / "project"


def forget() -> None:
    """Let the next command import the package anew."""
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.startswith("wards_of_a_test")]:
        del sys.modules[name]


def new(*arguments: str) -> Done:
    """Begin an element from the table `beds`."""
    done = run("elements", "new", "beds", "--table", "beds", "--resource", "Location", *arguments)
    forget()
    return done


def test_a_dry_run_writes_nothing(ward: Path) -> None:
    """It says which files there would be."""
    before = sorted(ward.rglob("*.*"))
    done = new()

    assert 0 == done.code
    assert "would write shared/wards_of_a_test/beds.py\n" in done.out
    assert "would write tests/unit/wards_of_a_test/goldens/beds/first.legacy.json\n" in done.out
    assert "Dry run: would begin beds with 16 undecided columns." in done.out
    assert before == sorted(p for p in ward.rglob("*.*") if "__pycache__" not in p.parts)


def test_what_is_written(ward: Path) -> None:
    """Every column has a name that Python can spell, a type, and an alias where it needs one."""
    done = new("--execute")
    module = (ward / "shared/wards_of_a_test/beds.py").read_text()
    signed = json.loads(
        (ward / "tests/unit/wards_of_a_test/goldens/beds/first.legacy.json").read_text()
    )
    rows = re.findall(r"^    (\w+: \w+)(?:  #.*)?$", module, re.MULTILINE)

    assert 0 == done.code
    assert [
        "site: str",
        "no: int",
        "class_: Text",
        "odd_name: NullableText",
        "gr__e: Whole",
        "column_1st: Day",
        "x: NullableText",
        "copy_: NullableText",
        "Text_: NullableText",
        "roomNo: Whole",
        "kind: NullableText",
        "nurse_id: Link",
        "doctor_id: NullableLink",
        "odd_name_: NullableText",
        "up: Amount",
        "open: Flag",
        "seen: LocalTime",
        "opens: ClockTime",
    ] == rows
    assert 'table, key = "beds", ("site", "no")' in module
    assert '"odd_name_": "odd-name"' in module
    assert "" == signed["reviewed_by"]
    assert "beds" in (ward / "shared/wards_of_a_test/__init__.py").read_text()


def test_what_is_written_is_clean(ward: Path) -> None:
    """Ruff finds nothing to mend in a draft, nor does the formatter."""
    new("--where", "kind=x", "--where", "no=1", "--where", "no=2", "--execute")
    root = Path(__file__).parents[4]
    written = [*(ward / "shared").rglob("beds.py"), *(ward / "tests").rglob("*.py")]
    ruff = str(Path(sys.executable).with_name("ruff"))
    settings = ("--config", str(root / "pyproject.toml"))
    checked, formatted = (
        subprocess.run(  # noqa: S603 because the program is ours
            [ruff, *verb, *settings, *written], capture_output=True, text=True, check=False
        )
        for verb in (
            ("check", "--per-file-ignores=**/test_beds.py:INP001"),
            ("format", "--check"),
        )
    )

    assert 0 == checked.returncode, checked.stdout
    assert 0 == formatted.returncode, formatted.stdout


@pytest.mark.usefixtures("ward")
def test_a_draft_loads_and_does_not_run() -> None:
    """`check` lists the undecided columns with 1; everything else refuses them with 3."""
    new("--where", "kind=x", "--execute")
    listed, told, refused = run("check"), run("check", "beds", "--json"), run("status")

    assert (1, 1, 3) == (listed.code, told.code, refused.code)
    assert "  column class_: undecided; write a Field, or take it out of the row" in listed.out
    assert 15 == len(told.json["beds"]["findings"])
    assert "wait until every column is decided" == told.json["beds"]["laws"]
    assert "columns are undecided; `medplum-migrate check` tells what to do" in refused.err


def test_where_and_key(ward: Path) -> None:
    """Values are of the column's kind; one value needs no decision, several do."""
    done = run(
        *("elements", "new", "loose_beds", "--table", "loose", "--resource", "Flag"),
        *("--key", "no", "--where", "kind=x", "--where", "roomNo=1", "--where", "roomNo=2"),
        "--execute",
    )
    module = (ward / "shared/wards_of_a_test/loose_beds.py").read_text()

    forget()

    assert 0 == done.code, done.err
    assert 'table, key = "loose", "no"' in module
    assert 'where = MappingProxyType({"kind": "x", "roomNo": (1, 2)})' in module
    assert 'Excluded("kind", why="the same in every record: see `where`"),' in module
    assert 'Undecided("roomNo"),' in module
    assert 'system = "https://legacy.example/fhir/id/loose-loose_beds"' in module
    assert "deleted: ClassVar[dict[str, Any]] = {}" in module
    assert 1 == run("check", "loose_beds").code


def test_into_another_folder(ward: Path, tmp_path: Path) -> None:
    """Files lie below the folder as below the project; a list that is not there is told."""
    done = new("--into", str(tmp_path / "draft"), "--execute")

    assert 0 == done.code
    assert (tmp_path / "draft/shared/wards_of_a_test/beds.py").exists()
    assert not (ward / "shared/wards_of_a_test/beds.py").exists()
    assert "Add to shared/wards_of_a_test/__init__.py: from wards_of_a_test.beds" in done.out


def test_no_file_is_overwritten(ward: Path) -> None:
    """Not even one of the four; nothing is written then."""
    golden = ward / "tests/unit/wards_of_a_test/goldens/beds/first.fhir.json"
    golden.parent.mkdir(parents=True)
    golden.write_text("signed")
    done = new("--execute")

    assert 3 == done.code
    assert "not overwritten (file=tests/unit/wards_of_a_test/goldens/beds/first.fhir.json)" in (
        done.err
    )
    assert "signed" == golden.read_text()
    assert not (ward / "shared/wards_of_a_test/beds.py").exists()


@pytest.mark.usefixtures("ward")
@pytest.mark.parametrize(
    ("told", "arguments"),
    [
        ("a plural of small letters", ("Beds", "--table", "beds", "--resource", "Location")),
        ("a plural of small letters", ("location", "--table", "beds", "--resource", "Location")),
        ("a plural of small letters", ("class", "--table", "beds", "--resource", "Location")),
        ("Choose one of: Location.", ("beds", "--table", "beds", "--resource", "Locatoin")),
        ("Choose one of: Account ", ("beds", "--table", "beds", "--resource", "Zzz")),
        ("Choose one of: beds.", ("beds", "--table", "bed", "--resource", "Location")),
        ("identifies a row with --key", ("beds", "--table", "loose", "--resource", "Location")),
        (
            "the legacy table lacks a column (column=nr, known=site no",
            ("beds", "--table", "beds", "--resource", "Location", "--key", "nr"),
        ),
        (
            "--where takes column=value",
            ("beds", "--table", "beds", "--resource", "Location", "--where", "kind"),
        ),
        (
            "whole numbers with something else (column=no)",
            ("beds", "--table", "beds", "--resource", "Location", "--where", "no=x"),
        ),
    ],
)
def test_what_cannot_be_begun(told: str, arguments: tuple[str, ...]) -> None:
    """3: what is wrong, and what there is instead."""
    done = run("elements", "new", *arguments)

    assert 3 == done.code
    assert told in done.err


@pytest.mark.usefixtures("ward")
def test_an_element_is_begun_once() -> None:
    """A name that is registered is taken."""
    new("--execute")
    again = new("--execute")

    assert 3 == again.code
    assert "there is an element of this name (element=beds)" in again.err


def test_a_code_table_that_contradicts_itself_is_told(ward: Path) -> None:
    """By table and line, once; laws on it would say nothing."""
    package = ward / "shared/wards_of_a_test"
    (package / "kinds.csv").write_text("legacy,code\n")
    (package / "beds.py").write_text(
        """
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping
KINDS = Codes.packaged("wards_of_a_test", "kinds.csv")
class Row(LegacyRow):
    no: int
    kind: Text
class Beds(Mapping[Row]):
    element, resource, row, table, key, system = "beds", "Location", Row, "beds", "no", "urn:bed"
    fields = (Field("kind", "status", KINDS.decode, KINDS.encode),)
"""
    )
    (package / "__init__.py").write_text("from .beds import Beds\nMAPPINGS = (Beds(),)\n")
    forget()
    done = run("check")

    assert 1 == done.code
    assert (
        "beds: Location, 2 columns, 2 read; laws: wait until code tables can be read\n"
        "  column kind: code table kinds.csv, line 1:"
        " the header must be legacy,code,system,display,relationship,canonical\n"
    ) == done.out
