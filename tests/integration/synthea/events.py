"""Synthea's write events: a past to import, and a present to replay while the migration runs."""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa

from examples.synthea import capture
from examples.synthea.load import KEYED, NUMBERED, create, read, write
from sandbox.clinic.database import clinic_engine, write_transaction

Event: TypeAlias = dict[str, Any]

_PRESENT = "2023-01-01"


class Clinic:
    """A database with the state before 2023, capture on, and the events since then to come."""

    def __init__(self, folder: Path, path: Path) -> None:
        lines = gzip.decompress((folder / "events.jsonl.gz").read_bytes()).splitlines()
        events: list[Event] = sorted(map(json.loads, lines), key=lambda event: event["seq"])
        past = [event for event in events if event["ts"] < _PRESENT]
        self.coming = [event for event in events if event["ts"] >= _PRESENT]
        self.path, self.engine = path, clinic_engine(path)
        headers = {name: list(next(read(folder / "csv", name))) for name in (*KEYED, *NUMBERED)}
        create(self.engine, headers)
        self._write(past)
        capture.install(self.engine)

    def go_on(self, parts: int) -> Iterator[int]:
        """Write what is to come in so many parts, each event in a transaction of its own."""
        size = -(-len(self.coming) // parts)
        while self.coming:
            part, self.coming = self.coming[:size], self.coming[size:]
            for event in part:
                self._write([event])
            yield len(part)

    def _write(self, events: Sequence[Event]) -> None:
        with write_transaction(self.engine) as connection:
            for event in events:
                number = event["pk"].get("_rownum", 0)
                write(connection, event["table"], number, event["row"])

    def tables(self) -> dict[str, set[tuple[Any, ...]]]:
        """Read all rows of all tables."""
        return contents(self.engine)

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def contents(engine: sa.Engine) -> dict[str, set[tuple[Any, ...]]]:
    """Read all rows of all tables of an import."""
    with engine.connect() as connection:
        return {
            name: {tuple(row) for row in connection.execute(sa.text(f"SELECT * FROM {name}"))}  # noqa: S608 because names are ours
            for name in (*KEYED, *NUMBERED)
        }
