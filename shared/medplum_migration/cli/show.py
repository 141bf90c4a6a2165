"""What several verbs print: tables that lose no character, JSON, and the progress of a backfill."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from medplum_migration.cli.session import Session
from medplum_migration.phases.steer_backfill import Progress


def print_json(value: object) -> None:
    """Print JSON to standard output, the same on a terminal and in a pipe."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(console: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: folded to fit a terminal, one line per row in a pipe, never cut off."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        typer.echo(line.rstrip())


def print_progress(session: Session, element: str, *, as_json: bool) -> None:
    """Print how far the latest backfill of an element is."""
    progress = session.wired.steer_backfill.progress(element)
    if as_json:
        print_json(as_dict(progress))
        return
    if progress is None:
        session.say(f"{element}: no backfill yet")
        return
    told = as_dict(progress)
    shown = ("run", "status", "done", "total", "chunks", "records_per_second", "eta_seconds")
    rows = [(name.replace("_", " "), str(told[name])) for name in (*shown, "quota_points")]
    print_table(session.console, (element, ""), rows)
    session.say(str(progress.balance))
    if progress.balance.quarantined or progress.balance.rejected:
        listed = session.command(f"quarantine list {element}")
        session.note(f"Some records wait for a person: {listed}")


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
