"""`capture install|status|remove|relay`: the legacy database tells every change of a record."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Annotated

import typer

from medplum_migration.cli.session import AsJson, Execute, Session
from medplum_migration.cli.show import print_json
from medplum_migration.domain.errors import ConfigurationError, TransientError
from medplum_migration.ports.capture import Capture, CaptureState, ElementCapture
from medplum_migration.runtime import capturing

app = typer.Typer(help="Capture changes of the legacy database.", no_args_is_help=True)
_Elements = Annotated[
    list[str] | None, typer.Argument(help="Data element types; all without.", show_default=False)
]


@app.command("install")
def install(
    context: typer.Context, elements: _Elements = None, *, execute: Execute = False
) -> None:
    """Create what is missing or has drifted; without --execute, print it for a DBA to run."""
    session: Session = context.obj
    capture = capturing.capture(session.wired)
    chosen = _chosen(capture, elements)
    _run(session, capture, capture.installation(chosen), execute=execute)


@app.command("remove")
def remove(
    context: typer.Context,
    elements: _Elements = None,
    *,
    drop_tables: Annotated[
        bool,
        typer.Option(help="Drop versions and outbox too; only when the migration is over."),
    ] = False,
    execute: Execute = False,
) -> None:
    """Drop the triggers; the tables stay, because versions in Medplum come from them."""
    session: Session = context.obj
    capture = capturing.capture(session.wired)
    chosen = _chosen(capture, elements)
    if drop_tables and set(chosen) != set(capture.elements):
        reason = "the tables serve all elements: remove all to drop them"
        raise ConfigurationError(reason)
    statements = capture.removal(chosen, drop_tables=drop_tables)
    _run(session, capture, statements, execute=execute)


@app.command("status")
def status(context: typer.Context, elements: _Elements = None, *, as_json: AsJson = False) -> None:
    """Show per element what is installed and what waits; exit with 1 unless all is installed."""
    session: Session = context.obj
    capture = capturing.capture(session.wired)
    found = capture.status(_chosen(capture, elements))
    if as_json:
        print_json({one.element: asdict(one) for one in found})
    else:
        for one in found:
            _print(session, one)
    if any(one.state is not CaptureState.INSTALLED for one in found):
        raise typer.Exit(1)


@app.command("relay")
def relay(
    context: typer.Context,
    *,
    until_stopped: Annotated[
        bool, typer.Option("--until-stopped", help="Stay, and publish what is captured later.")
    ] = False,
    execute: Execute = False,
) -> None:
    """Publish captured changes to the queue; the deployed function does the same every minute."""
    session: Session = context.obj
    if session.local:
        reason = "events need a queue: choose --stack, or set EVENTS_QUEUE_URL without --local"
        raise ConfigurationError(reason)
    relaying = capturing.relay_changes(session.wired)
    lag = relaying.outbox.lag()
    waits = f"{lag.depth} changes, the oldest {lag.age_s:.0f} s old"
    if session.dry_run(execute, f"publish {waits}"):
        return
    if not until_stopped:
        session.say(f"{relaying.drain()} changes published")
        return
    _relay_until_stopped(session)


def _relay_until_stopped(session: Session) -> None:
    """Publish until SIGTERM or SIGINT; a queue or database that is away for a while may return."""
    relaying, published = capturing.relay_changes(session.wired), 0
    session.note("Publishing; stop with Ctrl-C.")
    with _stopping() as is_stopped:
        while not is_stopped():
            try:
                number = relaying.publish()
            except TransientError as error:
                session.note(f"{error}; trying again")
                number = 0
            published += number
            if not number:
                session.wired.clock.pause(relaying.interval_s)
    session.say(f"{published} changes published")


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Tell whether SIGTERM or SIGINT came, which do nothing else meanwhile."""
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    before = {name: signal.signal(name, stop) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(received)
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _chosen(capture: Capture, elements: Sequence[str] | None) -> Sequence[str]:
    return elements or capture.elements


def _run(session: Session, capture: Capture, statements: Sequence[str], *, execute: bool) -> None:
    if not statements:
        session.say("Nothing to do.")
    elif execute:
        capture.execute(statements)
        session.say(f"{len(statements)} statements executed")
    else:
        for statement in statements:
            session.say(f"{statement};\n")
        session.dry_run(execute, f"execute these {len(statements)} statements")


def _print(session: Session, one: ElementCapture) -> None:
    last = "never" if one.last_captured_s is None else f"{one.last_captured_s:.0f} s ago"
    waiting = f"{one.waiting} changes wait"
    if one.oldest_waiting_s is not None:
        waiting += f", the oldest for {one.oldest_waiting_s:.0f} s"
    session.say(
        f"{one.element}: {one.state.value}, {one.triggers} triggers;"
        f" {one.records} records captured, last {last}; {waiting}"
    )
    if one.state is CaptureState.DRIFTED:
        for what in ("missing", "changed", "left_over"):
            for trigger in getattr(one, what):
                session.say(f"  {what.replace('_', ' ')}: {trigger}")
