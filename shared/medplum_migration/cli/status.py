"""`status`: one line per data element type that is under way."""

from typing import Annotated, Any

import typer

from medplum_migration.cli.session import AsJson, Session
from medplum_migration.cli.show import as_dict, print_json, print_table
from medplum_migration.domain.phase import Phase

_COLUMNS = "element", "phase", "backfill", "done", "per s", "s left", "quarantine"
_IDLE = {"phase": Phase.OFF.value, "backfill": {}, "quarantine": 0}


def status(
    context: typer.Context,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Show idle elements too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show phase, backfill and quarantine of the elements, in the order they are loaded."""
    session: Session = context.obj
    rows = {element: _row(session, element) for element in session.wired.elements}
    if as_json:
        print_json(rows)
        return
    shown = {element: row for element, row in rows.items() if show_all or row != _IDLE}
    if shown:
        print_table(session.console, _COLUMNS, [_line(*told) for told in shown.items()])
    if idle := len(rows) - len(shown):
        session.say(f"Idle elements, off and without a trace: {idle}; --all shows them")


def _line(element: str, row: dict[str, Any]) -> tuple[str, ...]:
    run = row["backfill"]
    told = ("-", "-", "-", "-")
    if run:
        done = f"{run['done']}/{'?' if run['total'] is None else run['total']}"
        left = "?" if run["eta_seconds"] is None else str(run["eta_seconds"])
        told = (run["status"], done, str(run["records_per_second"]), left)
    return (element, row["phase"], *told, str(row["quarantine"]))


def _row(session: Session, element: str) -> dict[str, Any]:
    wired = session.wired
    return {
        "phase": wired.checkpoints.element(element).phase.value,
        "backfill": as_dict(wired.steer_backfill.progress(element)),
        "quarantine": sum(1 for _ in wired.quarantine.entries(element)),
    }
