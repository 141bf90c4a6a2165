"""`status`: one line per data element type."""

from typing import Any

import typer

from medplum_migration.cli.session import AsJson, Session
from medplum_migration.cli.show import as_dict, print_json, print_table

_COLUMNS = "element", "phase", "backfill", "done", "per s", "s left", "quarantine"


def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show phase, backfill and quarantine of every element."""
    session: Session = context.obj
    rows = {element: _row(session, element) for element in session.wired.elements}
    if as_json:
        print_json(rows)
    else:
        lines = [_line(element, row) for element, row in rows.items()]
        print_table(session.console, _COLUMNS, lines)


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
