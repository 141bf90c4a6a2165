"""Phase 1, publishing: captured changes from the outbox, as thin events in the queue.

What the queue has accepted is removed from the outbox, and nothing else: a crash between the two
repeats events and loses none, and two relays at once only publish twice. There is no position that
could pass a change which was captured earlier and commits later.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from medplum_migration.domain.change_event import ChangeEvent, fold
from medplum_migration.ports.clock import Clock
from medplum_migration.ports.outbox import Captured, Lag, Outbox
from medplum_migration.ports.queues import Queue
from medplum_migration.ports.telemetry import Telemetry

_LAG_EVERY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayChanges:
    """Publishes what waits, `batch` changes at a time, and looks again every `interval_s`."""

    outbox: Outbox
    events: Queue[ChangeEvent]
    clock: Clock
    telemetry: Telemetry
    batch: int = 500
    interval_s: float = 1.0

    def __call__(self, *, deadline: float) -> int:
        """Publish until the deadline, in seconds since the epoch; tell how many changes it was."""
        published, measured_at = 0, 0.0
        while (now := self.clock.now()) < deadline:
            if now >= measured_at + _LAG_EVERY_S:
                self.measure()
                measured_at = now
            number = self.publish()
            published += number
            if number < self.batch:
                self.clock.pause(min(self.interval_s, max(deadline - self.clock.now(), 0.0)))
        return published

    def drain(self) -> int:
        """Publish until nothing waits; tell how many changes it was."""
        published = 0
        while number := self.publish():
            published += number
        return published

    def publish(self) -> int:
        """Publish one batch; tell how many changes it was.

        Of several changes of a record in the batch the last is published, for it says all.
        """
        waiting = self.outbox.waiting(self.batch)
        if events := self._events(waiting):
            self.events.send(events)
        if waiting:
            self.outbox.remove(waiting)
            self.telemetry.count("ChangesRelayed", len(waiting))
        return len(waiting)

    def measure(self) -> Lag:
        """Report how many changes wait, and how long the oldest has waited."""
        lag = self.outbox.lag()
        self.telemetry.count("OutboxDepth", lag.depth)
        self.telemetry.count("OutboxAge", lag.age_s)
        return lag

    def _events(self, waiting: Sequence[Captured]) -> list[ChangeEvent]:
        read = [_event(captured) for captured in waiting]
        if refused := read.count(None):
            # Nobody could read it either; the record's version stays for the backfill.
            self.telemetry.count("ChangesUnreadable", refused)
            self.telemetry.problem("relay_changes.unreadable", changes=refused)
        return fold(event for event in read if event is not None)


def _event(captured: Captured) -> ChangeEvent | None:
    try:
        return ChangeEvent.model_validate(
            {
                "element": captured.element,
                "key": captured.key,
                "version": captured.sequence,
                "operation": captured.operation,
            }
        )
    except ValidationError:
        return None
