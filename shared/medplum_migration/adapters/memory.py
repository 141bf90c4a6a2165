"""Small ports in memory: table, queue, clock, telemetry; for tests, the sandbox and simulations."""

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from medplum_migration.adapters.table import Body, Item
from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.domain.errors import ConflictError, UnavailableError

MAX_DELAY_S = 900
Message = TypeVar("Message", ChunkTask, ChangeEvent)


class MemoryTable:
    """A `Table` in a dict; bodies are kept as JSON text, as the real ones keep them."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], tuple[str, Item]] = {}
        self._lock = threading.RLock()
        self.available = True

    def get(self, pk: str, sk: str) -> Item | None:
        """Read one item."""
        with self._lock:
            self._answer()
            held = self._items.get((pk, sk))
            return None if held is None else _thaw(*held)

    def put(self, pk: str, sk: str, body: Body, *, expected_revision: int) -> Item:
        """Store a document over the revision that was read."""
        with self._lock:
            self._expect(pk, sk, expected_revision)
            item = Item(pk, sk, body, (expected_revision + 1, 0))
            self._store(item)
            return item

    def put_if_newer(self, items: Sequence[Item]) -> list[Item | None]:
        """Store items whose order is not below the stored one."""
        return [self._put_newer(item) for item in items]

    def delete(self, pk: str, sk: str, *, expected_revision: int) -> None:
        """Remove the item at the revision that was read."""
        with self._lock:
            self._expect(pk, sk, expected_revision)
            self._items.pop((pk, sk), None)

    def query(self, pk: str, *, sk_prefix: str = "") -> Iterator[Item]:
        """Read the items of one partition by `sk`."""
        held = [i for i in self._all() if i.pk == pk and i.sk.startswith(sk_prefix)]
        yield from sorted(held, key=lambda item: item.sk)

    def scan(self, *, pk_prefix: str) -> Iterator[Item]:
        """Read all items of all partitions whose `pk` starts so."""
        yield from (item for item in self._all() if item.pk.startswith(pk_prefix))

    def _put_newer(self, item: Item) -> Item | None:
        with self._lock:
            held = self.get(item.pk, item.sk)
            if held is None or held.order <= item.order:
                self._store(item)
            return held

    def _store(self, item: Item) -> None:
        self._items[item.pk, item.sk] = json.dumps(item.body), item

    def _expect(self, pk: str, sk: str, revision: int) -> None:
        held = self.get(pk, sk)
        if revision != (held.revision if held else 0):
            reason = "another worker stored this item"
            raise ConflictError(reason)

    def _all(self) -> list[Item]:
        with self._lock:
            self._answer()
            return [_thaw(*held) for held in self._items.values()]

    def _answer(self) -> None:
        if not self.available:
            reason = "the table does not answer"
            raise UnavailableError(reason)


def _thaw(text: str, item: Item) -> Item:
    return replace(item, body=json.loads(text))


class MemoryQueue(Generic[Message]):
    """A queue that keeps what it was sent, as (message, delay) pairs in `sent`."""

    def __init__(self) -> None:
        self.sent: list[tuple[Message, int]] = []
        self.available = True

    def send(self, messages: Sequence[Message], *, delay_s: int = 0) -> None:
        """Enqueue messages."""
        if not 0 <= delay_s <= MAX_DELAY_S:
            raise ValueError(delay_s)
        if not self.available:
            reason = "the queue does not answer"
            raise UnavailableError(reason)
        self.sent.extend((message, delay_s) for message in messages)

    def take(self) -> list[Message]:
        """Receive and remove all messages, delayed ones too."""
        sent, self.sent = self.sent, []
        return [message for message, _ in sent]


class MemoryClock:
    """A clock that moves when it is told to; a pause moves it and is recorded in `pauses`."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self._now = now
        self.pauses: list[float] = []

    def now(self) -> float:
        """Tell the time in seconds since the epoch."""
        return self._now

    def pause(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.pauses.append(seconds)
        self._now += seconds

    def advance(self, seconds: float) -> None:
        """Move the clock, as the world does."""
        self._now += seconds


class MemoryTelemetry:
    """Telemetry that keeps all it was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, str | float]]] = []
        self.problems: list[tuple[str, dict[str, str | float]]] = []
        self.counts: list[tuple[str, float, dict[str, str]]] = []

    def event(self, name: str, /, **fields: str | float) -> None:
        """Keep an event."""
        self.events.append((name, fields))

    def problem(self, name: str, /, **fields: str | float) -> None:
        """Keep a problem."""
        self.problems.append((name, fields))

    def count(self, metric: str, value: float, /, **dimensions: str) -> None:
        """Keep a count."""
        self.counts.append((metric, value, dimensions))

    def total(self, metric: str, /, **dimensions: str) -> float:
        """Add up a metric over all counts that have these dimensions."""
        wanted = dimensions.items()
        return sum(v for name, v, have in self.counts if name == metric and wanted <= have.items())
