"""The command `medplum-migrate`: arguments in; on failure one line of reason and an exit code."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from medplum_migration.cli import (
    backfill,
    capture,
    check,
    elements,
    map_record,
    phase,
    plan,
    quarantine,
    reconcile,
    register,
    status,
    why,
)
from medplum_migration.cli.exit_codes import EXIT_BUG, exit_code, next_step
from medplum_migration.cli.session import Session
from medplum_migration.cli.terminal import console
from medplum_migration.domain.errors import MigrationError
from medplum_migration.runtime.containment import describe

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
    context.obj = session = Session(stack=stack, local=local)
    context.call_on_close(session.close)


app.command("status")(status.status)
app.command("map")(map_record.map_record)
app.command("check")(check.check)
app.command("plan")(plan.plan)
app.command("reconcile")(reconcile.reconcile)
app.command("why")(why.why)
app.add_typer(backfill.app, name="backfill")
app.add_typer(capture.app, name="capture")
app.add_typer(elements.app, name="elements")
app.add_typer(phase.app, name="phase")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(register.app, name="register")


def main() -> None:
    """Run the command; the exit codes are those of `docs/cli/README.md`."""
    try:
        app()
    except MigrationError as error:
        _explain(f"{error.code}: {error}", next_step(error))
        sys.exit(exit_code(error))
    except Exception as error:  # noqa: BLE001 because a traceback may quote a patient
        _explain(f"Bug: {describe(error)}", "Please report this line.")
        sys.exit(EXIT_BUG)


def _explain(reason: str, step: str) -> None:
    errors = console(stderr=True)
    errors.print(reason, style="red", soft_wrap=True)
    if step:
        errors.print(step, soft_wrap=True)
