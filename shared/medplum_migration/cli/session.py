"""What every verb needs: the wiring for the chosen place, a console, and the dry-run rule."""

import logging
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.runtime.settings import Settings
from medplum_migration.runtime.stack import stack_settings
from medplum_migration.runtime.wiring import Wiring

Execute = Annotated[
    bool, typer.Option("--execute", help="Do it; without this option nothing is written.")
]
Element = Annotated[str, typer.Argument(help="Data element type, such as `patients`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


class LogTelemetry:
    """Port `Telemetry` for a terminal: problems go to the standard log, counts nowhere."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("medplum_migration")

    def event(self, name: str, /, **fields: str | float) -> None:
        """Log at debug level."""
        self._logger.debug("%s %s", name, fields)

    def problem(self, name: str, /, **fields: str | float) -> None:
        """Log at warning level."""
        self._logger.warning("%s %s", name, fields)

    def count(self, metric: str, value: float, /, **dimensions: str) -> None:
        """Ignore: metrics are the functions' business."""


@dataclass
class Session:
    """One invocation of the command."""

    stack: str | None
    local: Path | None
    console: Console = field(default_factory=Console)

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
        try:
            return Wiring(Settings(**known), LogTelemetry())
        except ValidationError as error:
            names = ", ".join(str(e["loc"][0]).upper() for e in error.errors())
            reason = "a setting has a value of the wrong kind"
            raise ConfigurationError(reason, variables=names) from None

    def mapping(self, element: str) -> Mapping[Any]:
        """Look an element up.

        Raises:
            ConfigurationError: there is no mapping for it; names those there are.

        """
        known = self.wired.elements
        if element not in known:
            reason = "no such data element type"
            raise ConfigurationError(reason, element=element, known=" ".join(known))
        return known[element]

    def dry_run(self, execute: bool, would: str) -> bool:  # noqa: FBT001 because it is the option itself
        """Say what would be done, unless it shall be done."""
        if not execute:
            self.console.print(f"Dry run: would {would}. Add --execute to do it.", highlight=False)
        return not execute
