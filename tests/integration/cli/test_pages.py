"""The examples of `docs/cli`, run as they stand: same lines in the same order, same exit codes."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.medplum_migration.cli.command import Done, run_line

PAGES = Path(__file__).parents[3] / "docs" / "cli"
BLOCK = re.compile(r"<!-- given: (\w+) -->\n```console\n(.*?)```", re.DOTALL)
PHASE = [
    "medplum-migrate --local state.db phase set practitioners dual_write --execute",
    "medplum-migrate --local state.db phase set patients dual_write --execute",
    "medplum-migrate --local state.db phase set patients backfill --execute",
]
START = "medplum-migrate --local state.db backfill start patients --execute"
GIVEN = {
    "new": [],
    "phase": PHASE,
    "sampled": [*PHASE, f"{START} --limit 5"],
    "backfilled": [*PHASE, START],
}


@dataclass
class Step:
    """A command, what the page shows of its output, and its exit code."""

    line: str
    shown: list[str] = field(default_factory=list)
    code: int = 0


def steps(block: str) -> list[Step]:
    """Read a block; `echo $?` and the number below it belong to the command before."""
    found: list[Step] = []
    lines = iter(block.splitlines())
    for line in lines:
        if line == "$ echo $?":
            found[-1].code = int(next(lines))
        elif line.startswith("$ "):
            found.append(Step(line[2:]))
        else:
            found[-1].shown.append(line)
    return found


def call(line: str) -> Done:
    """Run one line; an `echo` before a pipe is standard input."""
    before, _, command = line.rpartition(" | ")
    arguments = shlex.split(command)
    assert "medplum-migrate" == arguments[0]
    return run_line(arguments[1:], stdin=shlex.split(before)[1] if before else "")


def pattern(shown: list[str]) -> str:
    """Make an expression of what a page shows; `…` stands for anything, alone for any lines."""
    parts = [
        r"(?:.*\n)*?" if line.strip() == "…" else r".*".join(map(re.escape, line.split("…"))) + "\n"
        for line in map(narrow, shown)
    ]
    return "".join(parts)


def narrow(text: str) -> str:
    """Let one blank stand for many: columns are as wide as what is in them."""
    return re.sub(" +", " ", text)


def blocks() -> Iterator[tuple[str, str, str]]:
    """List the examples of all pages."""
    for page in sorted(PAGES.glob("*.md")):
        for number, (given, block) in enumerate(BLOCK.findall(page.read_text())):
            yield f"{page.stem}-{number}", given, block


EXAMPLES = list(blocks())


@pytest.mark.integration
@pytest.mark.usefixtures("small_clinic")
@pytest.mark.parametrize(
    ("given", "block"), [e[1:] for e in EXAMPLES], ids=[e[0] for e in EXAMPLES]
)
def test_the_example_is_true(given: str, block: str) -> None:
    """Each command prints what its page shows, and ends as it says."""
    for line in GIVEN[given]:
        assert 0 == call(line).code
    for step in steps(block):
        done = call(step.line)

        assert step.code == done.code, done.err
        assert re.fullmatch(pattern(step.shown), narrow(done.both)), done.both


def test_no_example_is_left_out() -> None:
    """Every console block says what it needs, so that it is run."""
    written = sum(page.read_text().count("```console") for page in PAGES.glob("*.md"))

    assert written == len(EXAMPLES)
