"""The command `medplum-migrate`: arguments in; on failure one line of reason and an exit code."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from medplum_migration.cli import backfill, check, map_record, phase, quarantine, reconcile, status
from medplum_migration.cli.session import Session
from medplum_migration.domain.errors import (
    ConfigurationError,
    MigrationError,
    TransientError,
)

EXIT_FOUND = 1
EXIT_USAGE = 2
EXIT_CONFIGURATION = 3
EXIT_UNAVAILABLE = 4
EXIT_REFUSED = 5

app = typer.Typer(
    help="Move a running healthcare system onto Medplum, one data element type at a time.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def options(
    context: typer.Context,
    stack: Annotated[
        str | None,
        typer.Option(help="Name of the deployed stack.", envvar="MEDPLUM_MIGRATE_STACK"),
    ] = None,
    local: Annotated[
        Path | None,
        typer.Option(
            help="Work without AWS; control data lives in this file.",
            envvar="MEDPLUM_MIGRATE_LOCAL",
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Choose where the control data lives: a deployed stack, a local file, or the environment."""
    context.obj = Session(stack=stack, local=local)


app.command("status")(status.status)
app.command("map")(map_record.map_record)
app.command("check")(check.check)
app.command("reconcile")(reconcile.reconcile)
app.add_typer(backfill.app, name="backfill")
app.add_typer(phase.app, name="phase")
app.add_typer(quarantine.app, name="quarantine")


def main() -> None:
    """Run the command; the exit codes are those of `docs/cli/README.md`."""
    try:
        app()
    except MigrationError as error:
        Console(stderr=True).print(f"[red]{error.code}[/]: {error}", highlight=False)
        sys.exit(exit_code(error))


def exit_code(error: MigrationError) -> int:
    """Tell a shell who acts next."""
    if isinstance(error, ConfigurationError):
        return EXIT_CONFIGURATION
    if isinstance(error, TransientError):
        return EXIT_UNAVAILABLE
    return EXIT_REFUSED
