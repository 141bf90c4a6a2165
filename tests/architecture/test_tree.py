"""The tree stays as docs and house rules say: floors, sizes, names, and a page for every folder."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "shared" / "medplum_migration"
SOURCES = sorted(
    path
    for folder in ("shared", "functions", "sandbox", "examples")
    for path in (ROOT / folder).rglob("*.py")
    if "node_modules" not in path.parts
)
FUNCTIONS = sorted((ROOT / "functions").glob("*/app.py"))
BANNED = {"utils", "helpers", "common", "manager", "processor", "misc"}


def named(path: Path) -> str:
    """Name a test case by the path below the root."""
    return path.relative_to(ROOT).as_posix()


def test_floors_hold() -> None:
    """import-linter keeps every contract, and no package stands outside the floors."""
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(  # noqa: S603 because the program is ours
        [script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_file_outgrows_its_idea(path: Path) -> None:
    """A file stops at 300 lines."""
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_function_outgrows_its_idea(path: Path) -> None:
    """A function stops at 30 lines, docstring and signature aside."""
    tree = ast.parse(path.read_text())
    long = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body_lines(node) > 30
    ]

    assert [] == long


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_module_is_an_attic(path: Path) -> None:
    """No module is named for what it does not say."""
    assert not BANNED & {path.stem, *path.parent.relative_to(ROOT).parts}


@pytest.mark.parametrize("path", FUNCTIONS, ids=named)
def test_a_handler_is_a_trigger_and_one_call(path: Path) -> None:
    """At most 40 lines, and no decision about the business."""
    text = path.read_text()

    assert len(text.splitlines()) <= 40
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.If)]


@pytest.mark.parametrize("path", FUNCTIONS, ids=named)
def test_one_name_everywhere(path: Path) -> None:
    """A function's folder, its resource in the template and its phase module share a name."""
    folder = path.parent.name
    resource = "".join(part.title() for part in folder.split("_")) + "Function"

    assert re.search(rf"^  {resource}:$", (ROOT / "template.yaml").read_text(), re.MULTILINE)
    assert (ENGINE / "phases" / f"{folder}.py").exists()


def test_shared_is_no_package() -> None:
    """`import shared` fails for everybody who installed the project."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import shared"], cwd="/", capture_output=True, check=False
    )

    assert 0 != done.returncode


def test_one_reader_of_the_environment() -> None:
    """Nothing in the bundle but `runtime/settings.py` reads `os.environ`."""
    readers = {
        named(path)
        for path in SOURCES
        if "sandbox" not in path.parts and re.search(r"os\.(environ|getenv)", path.read_text())
    }

    assert set() == readers


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "tests" / "unit" / "medplum_migration").rglob("test_*.py")),
    ids=named,
)
def test_unit_tests_mirror_the_engine(path: Path) -> None:
    """A unit test's path is its module's, or it lies in its module's folder."""
    below = path.relative_to(ROOT / "tests" / "unit" / "medplum_migration")

    assert (ENGINE / below.parent).is_dir()
