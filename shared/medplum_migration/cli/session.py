"""What every verb needs: the wiring for the chosen place, two consoles, and the dry-run rule."""

import getpass
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from medplum_migration.cli.terminal import TerminalTelemetry, console
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.runtime.settings import read_settings
from medplum_migration.runtime.stack import stack_settings
from medplum_migration.runtime.wiring import Wiring

Execute = Annotated[
    bool, typer.Option("--execute", help="Do it; without this option nothing is written.")
]
Element = Annotated[str, typer.Argument(help="Data element type, such as `patients`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def find(known: dict[str, Mapping[Any]], element: str) -> Mapping[Any]:
    """Look an element up; raises ConfigurationError if it is not known."""
    if element not in known:
        reason = "no such data element type"
        raise ConfigurationError(reason, element=element, known=" ".join(known))
    return known[element]


@dataclass
class Session:
    """One invocation of the command: results go to `console`, everything else to `errors`."""

    stack: str | None
    local: Path | None
    console: Console = field(default_factory=console)
    errors: Console = field(default_factory=lambda: console(stderr=True))
    telemetry: TerminalTelemetry = field(default_factory=TerminalTelemetry)

    @cached_property
    def wired(self) -> Wiring:
        """The wiring for the stack, the local file, or the environment alone.

        Raises:
            ConfigurationError: both places were chosen, or a setting has a wrong value.

        """
        if self.stack and self.local:
            reason = "choose --stack or --local, not both"
            raise ConfigurationError(reason)
        known: dict[str, Any] = stack_settings(self.stack) if self.stack else {}
        if self.local:
            known["state_path"] = self.local
        return Wiring(read_settings(**known), self.telemetry)

    def close(self) -> None:
        """Close what was opened, if anything was."""
        if "wired" in self.__dict__:
            self.wired.close()

    def mapping(self, element: str) -> Mapping[Any]:
        """Look an element up.

        Raises:
            ConfigurationError: there is no mapping for it; names those there are.

        """
        return find(self.wired.elements, element)

    def say(self, text: str) -> None:
        """Print a line of the result."""
        self.console.print(text, soft_wrap=True)

    def note(self, text: str) -> None:
        """Print a line beside the result."""
        self.errors.print(text, soft_wrap=True)

    def note_troubles(self) -> None:
        """Print what went wrong with records since the last time, and forget it."""
        for trouble, records in self.telemetry.drain().items():
            self.note(f"  {records} x {trouble}")

    def dry_run(self, execute: bool, would: str) -> bool:  # noqa: FBT001 because it is the option itself
        """Say what would be done, unless it shall be done."""
        if not execute:
            self.say(f"Dry run: would {would}. Add --execute to do it.")
        return not execute

    def command(self, verb: str) -> str:
        """Spell out a command for the same place, to be copied."""
        place = f" --local {self.local}" if self.local else ""
        place += f" --stack {self.stack}" if self.stack else ""
        return f"medplum-migrate{place} {verb}"

    @property
    def actor(self) -> str:
        """Who goes into the audit trail; containers may not know their user's name."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return "unknown"
