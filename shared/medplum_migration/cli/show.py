"""What several verbs print: the progress of a backfill."""

import json
from typing import Any

from rich.table import Table

from medplum_migration.cli.session import Session
from medplum_migration.phases.steer_backfill import Progress


def print_progress(session: Session, element: str, *, as_json: bool) -> None:
    """Print how far the latest backfill of an element is."""
    progress = session.wired.steer_backfill.progress(element)
    if as_json:
        session.console.print_json(json.dumps(as_dict(progress)))
        return
    if progress is None:
        session.console.print(f"{element}: no backfill yet", highlight=False)
        return
    table = Table(show_header=False)
    for name, value in as_dict(progress).items():
        table.add_row(name, str(value))
    session.console.print(table)
    session.console.print(str(progress.balance), highlight=False)


def as_dict(progress: Progress | None) -> dict[str, Any]:
    """Flatten progress for a table or a program; keys are stable."""
    if progress is None:
        return {}
    run = progress.run
    return {
        "run": run.run_id,
        "status": run.status.value,
        "total": run.total,
        "done": progress.balance.eligible,
        "records_per_second": round(progress.rate, 1),
        "eta_seconds": None if progress.eta_s is None else round(progress.eta_s),
        "chunks": f"{progress.chunks_done}/{run.chunks}",
        "quota_points": progress.quota_points,
        **progress.balance.model_dump(),
    }
