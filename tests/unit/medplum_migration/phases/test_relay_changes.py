"""The relay: what is captured is published, whatever stops it, wherever it is stopped."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from medplum_migration.adapters.memory import MemoryClock, MemoryQueue, MemoryTelemetry
from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.errors import UnavailableError
from medplum_migration.phases.relay_changes import RelayChanges
from medplum_migration.ports.outbox import Captured, Lag


@dataclass
class MemoryOutbox:
    """Port `Outbox` in memory."""

    rows: list[Captured] = field(default_factory=list)
    removes: bool = True

    def waiting(self, limit: int) -> list[Captured]:
        """Read the oldest rows."""
        return self.rows[:limit]

    def remove(self, published: Sequence[Captured]) -> None:
        """Remove rows, unless the process ends before."""
        if not self.removes:
            reason = "ended before the removal"
            raise UnavailableError(reason)
        self.rows = [row for row in self.rows if row not in published]

    def lag(self) -> Lag:
        """Count the rows, five seconds old."""
        return Lag(len(self.rows), 5.0 if self.rows else 0.0)


@dataclass
class Bench:
    """A relay, and what is on both sides of it."""

    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    queue: MemoryQueue[ChangeEvent] = field(default_factory=MemoryQueue)
    clock: MemoryClock = field(default_factory=MemoryClock)
    telemetry: MemoryTelemetry = field(default_factory=MemoryTelemetry)

    @property
    def relay(self) -> RelayChanges:
        """A relay with batches of three."""
        return RelayChanges(
            outbox=self.outbox,
            events=self.queue,
            clock=self.clock,
            telemetry=self.telemetry,
            batch=3,
        )

    def sent(self) -> list[tuple[str, int, str]]:
        """List what was published: key, version, operation."""
        return [(e.key, e.version, e.operation.value) for e, _ in self.queue.sent]


@pytest.fixture
def bench() -> Bench:
    """Offer a relay before an outbox of five changes of four records."""
    made = [("1", 1, "upsert"), ("2", 4, "delete"), ("1", 2, "delete"), ("3", 1, "upsert")]
    rows = [Captured("people", *row) for row in (*made, ("4", 1, "upsert"))]
    return Bench(MemoryOutbox(rows))


def test_changes_become_thin_events_in_order(bench: Bench) -> None:
    """Batches go out until nothing waits; of a record's changes in a batch only the last."""
    assert 5 == bench.relay.drain()
    assert [("1", 2, "delete"), ("2", 4, "delete"), ("3", 1, "upsert"), ("4", 1, "upsert")] == (
        bench.sent()
    )
    assert {("people", None)} == {(e.element, e.image) for e, _ in bench.queue.sent}
    assert [] == bench.outbox.rows
    assert [3, 2] == [n for name, n, _ in bench.telemetry.counts if name == "ChangesRelayed"]


def test_nothing_leaves_the_outbox_before_the_queue_has_it(bench: Bench) -> None:
    """A queue that does not answer leaves everything where it is."""
    bench.queue.available = False
    with pytest.raises(UnavailableError):
        bench.relay.publish()
    assert 5 == len(bench.outbox.rows)
    bench.queue.available = True
    bench.relay.drain()
    assert {"1", "2", "3", "4"} == {key for key, _, _ in bench.sent()}


def test_an_end_before_the_removal_repeats(bench: Bench) -> None:
    """What was sent and not removed is sent again, and nothing is lost."""
    bench.outbox.removes = False
    with pytest.raises(UnavailableError):
        bench.relay.publish()
    assert (2, 5) == (len(bench.queue.sent), len(bench.outbox.rows))
    bench.outbox.removes = True
    assert 5 == bench.relay.drain()
    assert 6 == len(bench.queue.sent)


def test_what_nobody_can_read_holds_up_nothing(bench: Bench) -> None:
    """A row that is no event is told without its key, and makes room for the others."""
    bench.outbox.rows.insert(0, Captured("No Element", "9", 1, "upsert"))
    assert 6 == bench.relay.drain()
    assert {"1", "2", "3", "4"} == {key for key, _, _ in bench.sent()}
    assert [("relay_changes.unreadable", {"changes": 1})] == bench.telemetry.problems
    assert 1 == bench.telemetry.total("ChangesUnreadable")


def test_work_goes_on_until_the_deadline(bench: Bench) -> None:
    """Full batches follow each other; then the relay looks every second, and measures its lag."""
    until = bench.clock.now() + 12.5
    assert 5 == bench.relay(deadline=until)
    assert until == bench.clock.now()
    assert [1.0] * 12 + [0.5] == bench.clock.pauses
    lags = [(name, n) for name, n, _ in bench.telemetry.counts if name.startswith("Outbox")]
    assert [("OutboxDepth", 5), ("OutboxAge", 5.0), ("OutboxDepth", 0), ("OutboxAge", 0.0)] == lags


def test_a_deadline_that_has_passed_ends_at_once(bench: Bench) -> None:
    """Without time nothing is read."""
    assert 0 == bench.relay(deadline=bench.clock.now())
    assert [] == bench.queue.sent
