"""Phase 1, dual write: legacy change events in, the messages to deliver again out."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medplum_migration.domain.change_event import ChangeEvent, fold
from medplum_migration.domain.envelopes import read_message
from medplum_migration.domain.errors import (
    ConfigurationError,
    EventError,
    ThrottledError,
    TransientError,
    UnavailableError,
)
from medplum_migration.domain.row_change import RowChange
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.phases.apply import apply
from medplum_migration.phases.deferral import count_deferred
from medplum_migration.phases.hints import Received, resolve
from medplum_migration.phases.outcome import Applied, Outcome
from medplum_migration.phases.target import Target
from medplum_migration.ports.checkpoints import Checkpoints


@dataclass(frozen=True, slots=True)
class Message:
    """A queue message: the queue's id of it, and its body."""

    message_id: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DualWrite:
    """Applies batches of change events; `page_size` records share one search.

    Changes of rows are hints to read the record again. With `images` they are the records, and
    nothing is read: docs/adr/0004-versions-on-one-scale.md.
    """

    elements: Mapping[str, ElementMapping[Any]]
    checkpoints: Checkpoints
    target: Target
    page_size: int = 100
    images: bool = False

    def __call__(self, messages: Sequence[Message], *, deadline: float = math.inf) -> list[str]:
        """Apply a batch; return the ids of the messages that must be delivered again.

        A message of no known kind, or one that names an unknown element, is among them: after its
        last delivery the dead-letter queue keeps it whole. A stream of changes may carry tables of
        no element; they are counted and acknowledged.
        """
        again: list[str] = []
        received: dict[str, list[Received]] = {}
        for message in messages:
            try:
                told = [named for item in read_message(message.body) for named in self._name(item)]
            except EventError as error:
                count_deferred(self.target.telemetry, [error])
                self.target.telemetry.problem("dual_write.refused", reason=str(error))
                again.append(message.message_id)
                continue
            for element, item in told:
                received.setdefault(element, []).append((message.message_id, item))
        for element, items in received.items():
            again += self._apply_element(element, items, deadline)
        return list(dict.fromkeys(again))

    def _name(self, item: ChangeEvent | RowChange) -> list[tuple[str, ChangeEvent | RowChange]]:
        """Tell which elements an item is about."""
        if isinstance(item, ChangeEvent):
            if item.element not in self.elements:
                reason = "no mapping for this element"
                raise EventError(reason, element=item.element)
            return [(item.element, item)]
        named = [name for name, held in self.elements.items() if item.is_of(held.table)]
        if not named:
            self.target.telemetry.count("ChangesOfOtherTables", 1)
        return [(name, item) for name in named]

    def _apply_element(
        self, element: str, received: Sequence[Received], deadline: float
    ) -> Collection[str]:
        """Apply one element's events if its phase says so; the phase is read strongly each time.

        An event that arrives while the element is off is acknowledged: its row was committed
        before, and a backfill that starts later reads it.
        """
        try:
            state = self.checkpoints.element(element)
            if not state.phase.writes_to_medplum:
                self.target.telemetry.count("EventsIgnored", len(received), element=element)
                return []
            mapping = self.elements[element]
            events, again = resolve(received, mapping, self.target, images=self.images)
        except (TransientError, ConfigurationError) as error:
            count_deferred(self.target.telemetry, [error])
            self.target.telemetry.problem("dual_write.deferred", element=element, reason=str(error))
            return [message_id for message_id, _ in received]
        deferred: set[str] = set()
        for page in _pages(fold(event for _, event in events), self.page_size):
            if self.target.clock.now() > deadline:
                deferred.update(event.key for event in page)
                continue
            ended = apply(page, mapping, self.target, deadline=deadline)
            stuck = [applied for applied in ended if applied.outcome is Outcome.DEFERRED]
            deferred.update(applied.change.key for applied in stuck)
            self._wait_out_throttling(stuck, deadline)
        return [*again, *(name for name, event in events if event.key in deferred)]

    def _wait_out_throttling(self, stuck: Sequence[Applied], deadline: float) -> None:
        """Keep the function busy until the quota returns, so that the queue is not drained in vain.

        Every delivery counts towards the dead-letter queue, and with the quota used up the next
        batch would fail as fast as this one.
        """
        waits = [a.error.retry_after_s for a in stuck if isinstance(a.error, ThrottledError)]
        left_s = deadline - self.target.clock.now()
        if waits and 0 < left_s < math.inf:
            self.target.clock.pause(min(max(waits), left_s))


def _pages(events: Sequence[ChangeEvent], size: int) -> Iterator[Sequence[ChangeEvent]]:
    for start in range(0, len(events), size):
        yield events[start : start + size]


def apply_at_once(dual_write: DualWrite, events: Sequence[ChangeEvent]) -> None:
    """Apply events in this process, without a queue.

    Raises:
        UnavailableError: some must be delivered again.

    """
    messages = [Message(str(n), event.model_dump_json()) for n, event in enumerate(events)]
    again = dual_write(messages)
    if again:
        reason = "events could not be applied now"
        raise UnavailableError(reason, events=len(again))
