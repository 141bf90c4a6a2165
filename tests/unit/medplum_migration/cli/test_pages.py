"""`docs/cli`: a page per verb, a section per command, and options as `--help` tells them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from medplum_migration.cli.main import app
from tests.unit.medplum_migration.cli.command import run

PAGES = Path(__file__).parents[4] / "docs" / "cli"


def commands() -> Iterator[tuple[str, Any]]:
    """List every command by its full name, with Typer's own object of it."""
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {verb}", under) for verb, under in command.commands.items())
        else:
            yield name, command


COMMANDS = dict(commands())


def section(name: str) -> str:
    """Read a command's section."""
    text = (PAGES / f"{name.partition(' ')[0]}.md").read_text()
    found = re.search(rf"^## `{name}`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def rows(command: Any) -> list[str]:
    """Tell arguments and options as rows of a Markdown table."""
    return [_row(parameter) for parameter in command.params if parameter.name != "help"]


def _row(parameter: Any) -> str:
    name = parameter.opts[0]
    if not name.startswith("-"):
        name = parameter.name.upper()
    default = "required" if parameter.required else _default(parameter.default)
    return f"| `{name}` | {default} | {parameter.help} |"


def _default(value: object) -> str:
    return "-" if value is None or value is False else f"`{value}`"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_section(name: str) -> None:
    """With what it reads, what it writes, and how it is called."""
    text = section(name)

    assert f"medplum-migrate {name}" in text
    assert re.search(r"^\*\*Reads\*\* ", text, re.MULTILINE)
    assert re.search(r"^\*\*Writes\*\* ", text, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_those_of_help(name: str) -> None:
    """The table of a section names each argument and option, its default and meaning."""
    told = re.findall(r"^\| `.*\|$", section(name), re.MULTILINE)
    helped = re.sub(r"\s+", " ", re.sub(r"[│╭╮╰╯─]", " ", run(*name.split(), "--help").out))

    assert rows(COMMANDS[name]) == told
    assert [] == [p.name for p in COMMANDS[name].params if p.help[:30] not in helped]


@pytest.mark.parametrize("page", sorted({name.partition(" ")[0] for name in COMMANDS}))
def test_every_page_has_an_example_and_exit_codes(page: str) -> None:
    """A `console` block, which the integration tests run, and a table of exit codes."""
    text = (PAGES / f"{page}.md").read_text()

    assert "```console\n$ " in text
    assert "## Exit codes" in text
    assert f"]({page}.md)" in (PAGES / "README.md").read_text()


def test_no_page_is_left_over() -> None:
    """Pages and sections without a command are gone."""
    verbs = {name.partition(" ")[0] for name in COMMANDS}
    headings = {
        heading
        for page in PAGES.glob("*.md")
        for heading in re.findall(r"^## `(.*)`$", page.read_text(), re.MULTILINE)
    }

    assert verbs | {"README"} == {page.stem for page in PAGES.glob("*.md")}
    assert set(COMMANDS) == headings


def test_the_options_before_the_verb_are_told() -> None:
    """`--stack` and `--local` stand on the first page."""
    root: Any = typer.main.get_command(app)
    page = (PAGES / "README.md").read_text()

    assert [] == [row for row in rows(root) if row not in page]
