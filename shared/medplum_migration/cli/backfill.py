"""`backfill start|pause|resume|work|restart-chunk|status`: an operator's hand on a backfill."""

from typing import Annotated

import typer

from medplum_migration.cli.session import AsJson, Element, Execute, Session
from medplum_migration.cli.show import print_progress
from medplum_migration.cli.work import work_here
from medplum_migration.domain.errors import ConfigurationError

app = typer.Typer(help="Copy history, chunk by chunk.", no_args_is_help=True)


@app.command("start")
def start(  # noqa: PLR0913 because each is an option of the command
    context: typer.Context,
    element: Element,
    *,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first N records by key.")
    ] = None,
    chunk_size: Annotated[int, typer.Option(min=1, help="Records in a chunk.")] = 5000,
    without_capture: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Why no change can be missed without triggers."),
    ] = None,
    execute: Execute = False,
) -> None:
    """Begin a backfill; with --local, do all of it here and now."""
    session: Session = context.obj
    session.mapping(element)
    what = "all records" if limit is None else f"the first {limit} records"
    if session.dry_run(execute, f"backfill {what} of {element} in chunks of {chunk_size}"):
        return
    if without_capture is not None:
        session.note(f"{element}: capture is not looked at, because {without_capture}")
    captures = session.wired.legacy.captures if without_capture is None else None
    run = session.wired.steer_backfill.start(
        element, chunk_size=chunk_size, limit=limit, captures=captures
    )
    session.say(f"{element}: run {run.run_id} started")
    if session.local:
        work_here(session, element)


@app.command("work")
def work(context: typer.Context, element: Element, *, execute: Execute = False) -> None:
    """Work on due chunks in this process until the run is done; needs --local."""
    session: Session = context.obj
    session.mapping(element)
    if not session.local:
        reason = "functions do the work of a deployed stack; `work` needs --local"
        raise ConfigurationError(reason)
    if not session.dry_run(execute, f"work on the backfill of {element} until it is done"):
        work_here(session, element)


@app.command("pause")
def pause(context: typer.Context, element: Element, *, execute: Execute = False) -> None:
    """Stop workers after the page they are on."""
    session: Session = context.obj
    session.mapping(element)
    if not session.dry_run(execute, f"pause the backfill of {element}"):
        run = session.wired.steer_backfill.pause(element)
        session.say(f"{element}: run {run.run_id} paused")


@app.command("resume")
def resume(context: typer.Context, element: Element, *, execute: Execute = False) -> None:
    """Let a paused backfill go on; with --local, `work` does the rest."""
    session: Session = context.obj
    session.mapping(element)
    if not session.dry_run(execute, f"resume the backfill of {element}"):
        run = session.wired.steer_backfill.resume(element)
        session.say(f"{element}: run {run.run_id} resumed")


@app.command("restart-chunk")
def restart_chunk(
    context: typer.Context,
    element: Element,
    number: Annotated[int, typer.Argument(min=0, help="Number of the chunk.")],
    *,
    execute: Execute = False,
) -> None:
    """Apply every key of one chunk again."""
    session: Session = context.obj
    session.mapping(element)
    if not session.dry_run(execute, f"restart chunk {number} of {element}"):
        chunk = session.wired.steer_backfill.restart_chunk(element, number)
        session.say(f"{element}: chunk {chunk.number} restarted")


@app.command("status")
def status(context: typer.Context, element: Element, *, as_json: AsJson = False) -> None:
    """Show how far the latest backfill is."""
    session: Session = context.obj
    session.mapping(element)
    print_progress(session, element, as_json=as_json)
