"""`quarantine list|show|replay|discard`: what waits for a person."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

import typer

from medplum_migration.cli.session import AsJson, Element, Execute, Session
from medplum_migration.cli.show import print_json, print_table
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.phases.dual_write import apply_at_once
from medplum_migration.ports.quarantine import QuarantineEntry

app = typer.Typer(help="Records that could not be applied.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(help="Key of the record in the legacy store.")]
_COLUMNS = "key", "version", "since", "tries", "reason"


class Cause(NamedTuple):
    """What records are grouped by."""

    code: str
    path: str
    reason: str


@app.command("list")
def list_entries(
    context: typer.Context,
    element: Element,
    *,
    code: Annotated[str | None, typer.Option(help="Only entries with this code.")] = None,
    causes: Annotated[
        bool, typer.Option("--causes", help="Count entries by code, path and reason.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List entries by key; no value of a record is shown."""
    session: Session = context.obj
    session.mapping(element)
    entries = _entries(session, element, code)
    if causes:
        _show_causes(session, entries, as_json=as_json)
    elif as_json:
        print_json([entry.model_dump(mode="json") for entry in entries])
    else:
        print_table(session.console, _COLUMNS, [_line(entry) for entry in entries])


def _show_causes(session: Session, entries: Iterable[QuarantineEntry], *, as_json: bool) -> None:
    """Show the most frequent first."""
    counted = Counter(Cause(entry.code, entry.path, entry.reason) for entry in entries)
    found = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    if as_json:
        print_json([{"records": number, **cause._asdict()} for cause, number in found])
        return
    rows = [(str(number), *cause) for cause, number in found]
    print_table(session.console, ("records", *Cause._fields), rows)


@app.command("show")
def show(context: typer.Context, element: Element, key: Key) -> None:
    """Show one entry as JSON."""
    session: Session = context.obj
    session.mapping(element)
    print_json(_entry(session, element, key).model_dump(mode="json"))


@app.command("replay")
def replay(
    context: typer.Context,
    element: Element,
    key: Annotated[str | None, typer.Argument(help="Key; without it, all that match.")] = None,
    *,
    code: Annotated[str | None, typer.Option(help="Only entries with this code.")] = None,
    execute: Execute = False,
) -> None:
    """Apply entries again, by the same path as live changes; solved ones close themselves."""
    session: Session = context.obj
    session.mapping(element)
    entries = [_entry(session, element, key)] if key else _entries(session, element, code)
    if session.dry_run(execute, f"replay {len(entries)} entries of {element}"):
        return
    phase = session.wired.checkpoints.element(element).phase
    if not phase.writes_to_medplum:
        reason = f"nothing is written to Medplum in phase {phase.value}"
        raise ConfigurationError(reason, element=element)
    session.wired.steer_quarantine.replay(entries)
    if session.local:
        _apply_here(session)
        left = sum(1 for _ in session.wired.quarantine.entries(element))
        session.say(f"{element}: {len(entries)} entries replayed, {left} in quarantine now")
    else:
        session.say(f"{element}: {len(entries)} entries enqueued; look again in a minute")


def _apply_here(session: Session) -> None:
    events = list(iter(session.wired.local_events.take, None))
    try:
        apply_at_once(session.wired.dual_write, events)
    finally:
        session.note_troubles()


@app.command("discard")
def discard(
    context: typer.Context,
    element: Element,
    key: Key,
    *,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail. No patient data.")],
    execute: Execute = False,
) -> None:
    """Accept that a record's version is not migrated; it counts as rejected."""
    session: Session = context.obj
    session.mapping(element)
    entry = _entry(session, element, key)
    if not session.dry_run(execute, f"discard version {entry.version} of one record"):
        session.wired.steer_quarantine.discard(element, key, actor=session.actor, reason=reason)
        session.say(f"{element}: discarded")


def _entries(session: Session, element: str, code: str | None) -> list[QuarantineEntry]:
    entries = session.wired.quarantine.entries(element)
    return [entry for entry in entries if code is None or entry.code == code]


def _entry(session: Session, element: str, key: str) -> QuarantineEntry:
    entry = session.wired.quarantine.get(element, key)
    if entry is None:
        message = "the record is not in quarantine"
        raise ConfigurationError(message, element=element)
    return entry


def _line(entry: QuarantineEntry) -> tuple[str, ...]:
    since = datetime.fromtimestamp(entry.quarantined_at, UTC).strftime("%Y-%m-%d %H:%MZ")
    where = f"{entry.path}: " if entry.path else ""
    told = f"{entry.code}, {where}{entry.reason}"
    return entry.key, str(entry.version), since, str(entry.attempts), told
