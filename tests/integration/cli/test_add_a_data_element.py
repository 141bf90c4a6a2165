"""`docs/add-a-data-element.md`, followed to the letter in a copy of the project."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from medplum_migration.runtime.settings import Settings
from tests.integration.cli.test_pages import Step, narrow, pattern, steps

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "add-a-data-element.md"
BLOCK = re.compile(r"(?:<!-- file: (\S+) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
MARK = "@@@ the next command @@@"
LINKED = (".venv", "sandbox", "shared/medplum_migration")
COPIED = ("pyproject.toml", "shared/data_elements", "shared/legacy_store")


@dataclass(frozen=True)
class Block:
    """A fenced block: a file to write when it has a path, else commands."""

    path: str
    kind: str
    text: str


BLOCKS = [Block(*found) for found in BLOCK.findall(PAGE.read_text())]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy what the page changes, and link the rest."""
    for name in LINKED + COPIED:
        target = tmp_path / "project" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = ROOT / name
        if name in LINKED:
            target.symlink_to(source)
        elif source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    return tmp_path / "project"


def script(staged: Path) -> tuple[str, list[Step]]:
    """Write all blocks as one shell script; each command has a mark before and its code behind."""
    lines = ["trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    commands: list[Step] = []
    for number, block in enumerate(BLOCKS):
        if block.path:
            copy = staged / str(number)
            copy.write_text(block.text)
            lines.append(f"mkdir -p {Path(block.path).parent} && cp {copy} {block.path}")
        for step in () if block.path else steps(block.text):
            commands.append(step)
            lines += [f"echo; echo '{MARK}'", step.line, r"printf '\n%d\n' $?"]
    return "\n".join(lines), commands


@pytest.mark.integration
def test_the_page_is_true(project: Path, tmp_path: Path) -> None:
    """Each command prints what the page shows, and ends as it says; the page ends with equality."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in Settings.model_fields and not name.startswith(("AWS_", "MEDPLUM_"))
    }
    text, commands = script(tmp_path)
    done = subprocess.run(  # noqa: S603 because the script is our page
        ["/bin/bash", "-c", text],
        cwd=project,
        env={**kept, "PYTHONPATH": f"{project}/shared:{project}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    _, *told = done.stdout.split(f"\n{MARK}\n")

    assert len(commands) == len(told), done.stdout
    for step, found in zip(commands, told, strict=True):
        *shown, code = found.rstrip("\n").split("\n")
        output = "".join(f"{line}\n" for line in shown[:-1])
        assert (step.line, step.code) == (step.line, int(code)), found
        assert re.fullmatch(pattern(step.shown), narrow(output)), f"{step.line}\n{found}"


def test_every_block_is_run() -> None:
    """A block is a file with its path, or a console; nothing on the page goes untried."""
    assert [] == [block.kind for block in BLOCKS if not block.path and block.kind != "console"]
    assert PAGE.read_text().count("```") == 2 * len(BLOCKS)
