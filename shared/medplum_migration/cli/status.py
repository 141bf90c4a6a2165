"""`status`: one line per data element type."""

import json
from typing import Any

import typer
from rich.table import Table

from medplum_migration.cli.session import AsJson, Session
from medplum_migration.cli.show import as_dict


def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show phase, backfill and quarantine of every element."""
    session: Session = context.obj
    rows = {element: _row(session, element) for element in session.wired.elements}
    if as_json:
        session.console.print_json(json.dumps(rows))
        return
    table = Table("element", "phase", "backfill", "done", "rate/s", "eta s", "quarantine")
    for element, row in rows.items():
        run = row["backfill"]
        done = f"{run.get('done', 0)}/{run.get('total') or '?'}" if run else "-"
        table.add_row(
            element,
            str(row["phase"]),
            str(run.get("status", "-")),
            done,
            str(run.get("records_per_second", "-")),
            str(run.get("eta_seconds", "-")),
            str(row["quarantine"]),
        )
    session.console.print(table)


def _row(session: Session, element: str) -> dict[str, Any]:
    wired = session.wired
    return {
        "phase": wired.checkpoints.element(element).phase.value,
        "backfill": as_dict(wired.steer_backfill.progress(element)),
        "quarantine": sum(1 for _ in wired.quarantine.entries(element)),
    }
