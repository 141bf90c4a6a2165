"""The relay: outbox rows in, change events out, at least once and in order for each record.

The position moves only after the receiver has accepted what lies before it, so a crash repeats
events and loses none. What lies before it must never gain a row later:

- SQLite has one writer at a time: the order of sequences is the order of commits.
- MariaDB and MySQL number an outbox row before its transaction commits, so that a lower number can
  appear after a higher one. Rows are published as they appear, but the position waits at a missing
  number until every transaction has ended that was open when it was missed (needs PROCESS).

The capture kit for other databases comes later. One record's rows are always in order: its row
lock is held from the change to the commit.

`python -m sandbox.clinic.relay --dsn FILE_OR_URL --table patient_data=patients` publishes what
waits to standard output, or to SQS with `--queue-url` (boto3 takes region, credentials and
`AWS_ENDPOINT_URL` from the environment); `--until-stopped` stays until SIGTERM or its parent's end.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from medplum_migration.adapters.legacy_sql import OUTBOX, SqlLegacyStore
from medplum_migration.domain.change_event import ChangeEvent, Operation, fold
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import ConfigurationError, TransientError, VersionBehindError
from medplum_migration.mapping.source import Source
from medplum_migration.ports.legacy import LegacyStore
from sandbox.clinic.capture import key_columns
from sandbox.clinic.database import CAPTURED, clinic_engine, write_transaction
from sandbox.clinic.lifetime import Lifetime

Send: TypeAlias = Callable[[Sequence[ChangeEvent]], None]

POSITION = sa.Table(
    "medplum_relay_position",
    sa.MetaData(),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("sequence", sa.BigInteger(), nullable=False),
)
# Transactions that only read have number 0, or one from 2^48 on.
_OPEN = (
    "SELECT trx_id FROM information_schema.innodb_trx WHERE trx_id BETWEEN 1 AND 281474976710655"
)
_OPEN_IS_FRESH_AFTER_S = 0.15  # the server refreshes that table after 0.1 s without readers


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the relay is behind: outbox rows, and seconds since it last was level."""

    rows: int
    seconds: float


class Relay:
    """Publishes the outbox from its position on; `name` keeps several relays' positions apart.

    `elements` tells which elements each table holds. Events are thin; with `images` upserts carry
    the row as that store reads it, with the version that belongs to it.
    """

    def __init__(  # noqa: PLR0913 because all but the first two are optional settings
        self,
        engine: sa.Engine,
        send: Send,
        elements: Mapping[str, Sequence[str]],
        *,
        images: LegacyStore | None = None,
        name: str = "relay",
        batch: int = 100,
    ) -> None:
        if engine.dialect.name not in {"sqlite", "mysql", "mariadb"}:
            reason = "the relay is written for SQLite, MySQL and MariaDB"
            raise ConfigurationError(reason, database=engine.dialect.name)
        self._engine, self._send, self._images = engine, send, images
        self._elements, self._name, self._batch = elements, name, batch
        self._missing: dict[int, frozenset[str]] = {}
        self._level_at = time.monotonic()
        self._position = self._seen = self._stored_position()

    def run_once(self) -> int:
        """Publish one batch; tell how many outbox rows it was.

        Raises whatever `send` raises; the same rows then come again.
        """
        with self._engine.connect() as connection:
            ended = self._ended(connection)
            rows = connection.execute(self._next_rows()).all()
            missed = self._missed([row.sequence for row in rows])
            opened = self._open(connection, fresh=True) if missed else frozenset()
        if events := [event for row in rows for event in self._events(row)]:
            self._send(with_images(events, self._images) if self._images else events)
        sequences = [row.sequence for row in rows]
        looked_upto = sequences[-1] if len(rows) == self._batch else max([self._seen, *sequences])
        for sequence in {n for n in ended if n <= looked_upto}.union(sequences):
            self._missing.pop(sequence, None)
        self._missing |= dict.fromkeys(missed, opened)
        self._seen = max([self._seen, *sequences])
        self._store_position()
        return len(rows)

    def drain(self) -> int:
        """Publish until nothing is left; tell how many outbox rows it was."""
        total = 0
        while number := self.run_once():
            total += number
        return total

    def lag(self) -> Lag:
        """Measure how far the relay is behind."""
        query = sa.select(sa.func.count()).where(self._unpublished())
        with self._engine.connect() as connection:
            rows = int(connection.execute(query).scalar_one())
        if rows == 0:
            self._level_at = time.monotonic()
        return Lag(rows, time.monotonic() - self._level_at if rows else 0.0)

    def _unpublished(self) -> sa.ColumnElement[bool]:
        sequence = OUTBOX.c.sequence
        return sa.or_(sequence > self._seen, sequence.in_(list(self._missing)))

    def _next_rows(self) -> sa.Select[tuple[int, str, str, str]]:
        columns = OUTBOX.c
        query: sa.Select[tuple[int, str, str, str]] = sa.select(
            columns.sequence, columns.table_name, columns.record_key, columns.operation
        )
        return query.where(self._unpublished()).order_by(columns.sequence).limit(self._batch)

    def _missed(self, sequences: Sequence[int]) -> list[int]:
        """List the numbers between those seen so far and the last of `sequences` that lack."""
        if not sequences or self._engine.dialect.name == "sqlite":
            return []
        there = set(sequences)
        return [n for n in range(self._seen + 1, max(sequences)) if n not in there]

    def _ended(self, connection: sa.Connection) -> set[int]:
        """List the missing numbers that no open transaction can bring any more."""
        if not self._missing:
            return set()
        still_open = self._open(connection, fresh=False)
        return {n for n, waits_for in self._missing.items() if not waits_for & still_open}

    def _open(self, connection: sa.Connection, *, fresh: bool) -> frozenset[str]:
        if fresh:
            time.sleep(_OPEN_IS_FRESH_AFTER_S)
        return frozenset(map(str, connection.exec_driver_sql(_OPEN).scalars()))

    def _events(self, row: sa.Row[tuple[int, str, str, str]]) -> list[ChangeEvent]:
        return [
            ChangeEvent(
                element=element,
                key=row.record_key,
                version=row.sequence,
                operation=Operation(row.operation),
            )
            for element in self._elements.get(row.table_name, ())
        ]

    def _stored_position(self) -> int:
        POSITION.create(self._engine, checkfirst=True)
        query = sa.select(POSITION.c.sequence).where(POSITION.c.name == self._name)
        with self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)

    def _store_position(self) -> None:
        reached = min(self._missing, default=self._seen + 1) - 1
        if reached <= self._position:
            return
        mine = POSITION.c.name == self._name
        forward = POSITION.update().where(mine, POSITION.c.sequence < reached)
        with write_transaction(self._engine) as connection:
            if connection.scalar(sa.select(sa.func.count()).where(mine)):
                connection.execute(forward.values(sequence=reached))
            else:
                connection.execute(POSITION.insert().values(name=self._name, sequence=reached))
        self._position = reached


def with_images(events: Sequence[ChangeEvent], store: LegacyStore) -> list[ChangeEvent]:
    """Replace each record's events by one with the row as it is now, and that row's version.

    Raises:
        VersionBehindError: the store does not see yet what the outbox says.

    """
    newest = {(event.element, event.key): event for event in fold(events)}
    for element in sorted({element for element, _ in newest}):
        keys = [key for name, key in newest if name == element]
        for record in store.read(element, keys):
            newest[element, record.key] = _with_image(newest[element, record.key], record)
    return list(newest.values())


def _with_image(event: ChangeEvent, record: LegacyRecord) -> ChangeEvent:
    if record.version < event.version:
        reason = "the legacy read is older than the outbox"
        raise VersionBehindError(reason, element=event.element)
    gone = record.row is None
    return ChangeEvent(
        element=event.element,
        key=event.key,
        version=record.version,
        operation=Operation.DELETE if gone else Operation.UPSERT,
        image=None if record.row is None else dict(record.row),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process."""
    options = _parser().parse_args(arguments)
    lifetime = Lifetime()
    elements: dict[str, list[str]] = {}
    for table, element in (pair.split("=", 1) for pair in options.table):
        elements.setdefault(table, []).append(element)
    engine = clinic_engine(options.dsn)
    send = _send_to_sqs(options.queue_url) if options.queue_url else _print
    images = SqlLegacyStore(engine, _whole_rows(elements)) if options.full_images else None
    relay = Relay(engine, send, elements, images=images, name=options.name)
    published = 0
    try:
        while lifetime.lasts() and (options.until_stopped or relay.lag().rows):
            number = _publish(relay)
            published += number
            lifetime.pause(0 if number else options.interval)
    finally:
        lag = relay.lag()
        engine.dispose()
        report = {"rows_published": published, "lag_rows": lag.rows, "lag_s": round(lag.seconds, 3)}
        sys.stderr.write(json.dumps(report) + "\n")
    return 0


def _publish(relay: Relay) -> int:
    try:
        return relay.run_once()
    except (TransientError, OperationalError) as error:
        sys.stderr.write(json.dumps({"relay.failed": type(error).__name__}) + "\n")
        return 0


def _print(events: Sequence[ChangeEvent]) -> None:
    sys.stdout.write("".join(event.model_dump_json(exclude_none=True) + "\n" for event in events))
    sys.stdout.flush()


def _send_to_sqs(url: str) -> Send:
    import boto3

    from medplum_migration.adapters.sqs_queue import SqsQueue
    from medplum_migration.adapters.system_clock import SystemClock

    return SqsQueue[ChangeEvent](boto3.client("sqs"), url, clock=SystemClock()).send


def _whole_rows(elements: Mapping[str, Sequence[str]]) -> dict[str, Source]:
    return {
        element: Source(table, key_columns(CAPTURED[table]))
        for table, some in elements.items()
        for element in some
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox.clinic.relay", description=__doc__)
    parser.add_argument("--dsn", required=True, help="path of a SQLite file, or database URL")
    parser.add_argument(
        "--table", action="append", default=[], metavar="TABLE=ELEMENT",
        help="publish this table's changes as this element's; may be repeated",
    )  # fmt: skip
    parser.add_argument("--queue-url", help="SQS queue; without it events go to standard output")
    parser.add_argument("--name", default="relay", help="keeps several relays' positions apart")
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between looks")
    parser.add_argument("--full-images", action="store_true", help="upserts carry the row")
    parser.add_argument(
        "--until-stopped", action="store_true", help="without it, stop when level with the outbox"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
