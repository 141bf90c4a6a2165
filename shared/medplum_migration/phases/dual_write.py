"""Phase 1, dual write: legacy change events in, the messages to deliver again out."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medplum_migration.domain.change_event import ChangeEvent, fold, read_event
from medplum_migration.domain.errors import (
    EventError,
    ThrottledError,
    TransientError,
    UnavailableError,
)
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.phases.apply import apply
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
    """Applies batches of change events; `page_size` records share one search."""

    elements: Mapping[str, ElementMapping[Any]]
    checkpoints: Checkpoints
    target: Target
    page_size: int = 100

    def __call__(self, messages: Sequence[Message], *, deadline: float = math.inf) -> list[str]:
        """Apply a batch; return the ids of the messages that must be delivered again.

        A message that is no change event, or names an unknown element, is among them: after its
        last delivery the dead-letter queue keeps it whole.
        """
        again: list[str] = []
        events: dict[str, list[tuple[str, ChangeEvent]]] = {}
        for message in messages:
            try:
                event = self._read(message)
            except EventError as error:
                self.target.telemetry.problem("dual_write.refused", reason=str(error))
                again.append(message.message_id)
                continue
            events.setdefault(event.element, []).append((message.message_id, event))
        for element, received in events.items():
            again += self._apply_element(element, received, deadline)
        return again

    def _read(self, message: Message) -> ChangeEvent:
        event = read_event(message.body)
        if event.element not in self.elements:
            reason = "no mapping for this element"
            raise EventError(reason, element=event.element)
        return event

    def _apply_element(
        self, element: str, received: Sequence[tuple[str, ChangeEvent]], deadline: float
    ) -> list[str]:
        """Apply one element's events if its phase says so; the phase is read strongly each time.

        An event that arrives while the element is off is acknowledged: its row was committed
        before, and a backfill that starts later reads it.
        """
        try:
            state = self.checkpoints.element(element)
        except TransientError as error:
            self.target.telemetry.problem("dual_write.deferred", element=element, reason=str(error))
            return [message_id for message_id, _ in received]
        if not state.phase.writes_to_medplum:
            self.target.telemetry.count("EventsIgnored", len(received), element=element)
            return []
        deferred: set[str] = set()
        for page in _pages(fold(event for _, event in received), self.page_size):
            if self.target.clock.now() > deadline:
                deferred.update(event.key for event in page)
                continue
            ended = apply(page, self.elements[element], self.target, deadline=deadline)
            stuck = [applied for applied in ended if applied.outcome is Outcome.DEFERRED]
            deferred.update(applied.change.key for applied in stuck)
            self._wait_out_throttling(stuck, deadline)
        return [message_id for message_id, event in received if event.key in deferred]

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
