"""Port `Queue` inside one process, for runs without AWS; what it holds is lost with the process."""

import heapq
import itertools
from collections.abc import Sequence
from typing import Generic, TypeVar

from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.ports.clock import Clock

Message = TypeVar("Message", ChunkTask, ChangeEvent)


class LocalQueue(Generic[Message]):
    """Messages by the time they are due; the scheduler enqueues lost chunk tasks again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[float, int, Message]] = []
        self._order = itertools.count()

    def send(self, messages: Sequence[Message], *, delay_s: int = 0) -> None:
        """Enqueue messages."""
        due_at = self._clock.now() + delay_s
        for message in messages:
            heapq.heappush(self._waiting, (due_at, next(self._order), message))

    def take(self) -> Message | None:
        """Remove the next message that is due; None when there is none."""
        if not self._waiting or self._waiting[0][0] > self._clock.now():
            return None
        return heapq.heappop(self._waiting)[2]
