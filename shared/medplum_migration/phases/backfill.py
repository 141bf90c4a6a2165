"""Phase 2, backfill: a chunk task in, its keys applied page by page until the deadline."""

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from medplum_migration.domain.change_event import LONGEST_KEY
from medplum_migration.domain.checkpoint import Balance, Chunk, ChunkTask, RunStatus
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import (
    ConfigurationError,
    ConflictError,
    EventError,
    MigrationError,
    RefusedError,
    ThrottledError,
    UnansweredError,
)
from medplum_migration.domain.phase import Phase
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.phases.apply import apply
from medplum_migration.phases.image import as_change
from medplum_migration.phases.outcome import Applied, Outcome, failed
from medplum_migration.phases.settle import settle
from medplum_migration.phases.target import Target
from medplum_migration.ports.checkpoints import Checkpoints
from medplum_migration.ports.queues import Queue

_LONGEST_DELAY_S = 900
_SETBACK_DELAY_S = 5.0
_MENDING_DELAY_S = 60.0
_LONG_PATIENCE = 20
_OWN_FAULTS = (ConflictError, UnansweredError)


class ChunkEnd(StrEnum):
    """Why work on a chunk ended.

    done: every key is written. continued: the task was enqueued again. stopped: paused, leased by
    another worker, or done before; nothing was enqueued.
    """

    DONE = "done"
    CONTINUED = "continued"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """Works on chunks; safe to kill at any point, and to run twice at once.

    `lease_s` must exceed the time one page takes. `quota_reserve` points of the FHIR quota are left
    to live traffic; 0 leaves none. After `patience` setbacks on one page, its records are tried one
    by one. `new_token` names a lease.
    """

    elements: Mapping[str, ElementMapping[Any]]
    checkpoints: Checkpoints
    tasks: Queue[ChunkTask]
    target: Target
    page_size: int = 100
    lease_s: float = 120.0
    quota_reserve: int = 2500
    patience: int = 5
    new_token: Callable[[], str] = lambda: uuid.uuid4().hex

    def __call__(self, task: ChunkTask, *, deadline: float) -> ChunkEnd:
        """Continue a chunk until it is done or `deadline` (seconds since the epoch) is near.

        Raises:
            TransientError: the control table or the legacy store did not answer.
            EventError: the task names something that does not exist.

        """
        chunk = self._lease(task)
        if chunk is None:
            return ChunkEnd.STOPPED
        try:
            return self._work(chunk, deadline)
        except ConflictError:
            self.target.telemetry.event("backfill.lease_lost", **_names(chunk))
            return ChunkEnd.STOPPED
        except (KeyboardInterrupt, MigrationError):
            self._give_back(chunk)
            raise

    def _give_back(self, chunk: Chunk) -> None:
        """Release the lease after a failure, if that can be; otherwise it expires."""
        with suppress(MigrationError):
            held = self.checkpoints.chunk(chunk.element, chunk.run_id, chunk.number)
            if held is not None and held.lease_token == chunk.lease_token:
                self.checkpoints.save_chunk(held.released(self.target.clock.now()))

    def _lease(self, task: ChunkTask) -> Chunk | None:
        chunk = self.checkpoints.chunk(task.element, task.run_id, task.chunk)
        if chunk is None or task.element not in self.elements:
            reason = "the task names a chunk that does not exist"
            raise EventError(reason, element=task.element, chunk=task.chunk)
        now = self.target.clock.now()
        if not chunk.is_free(now) or not self._may_run(chunk):
            return None
        token = self.new_token()
        try:
            return self.checkpoints.save_chunk(chunk.leased(token, now, lease_s=self.lease_s))
        except ConflictError:
            return None

    def _may_run(self, chunk: Chunk) -> bool:
        run = self.checkpoints.run(chunk.element)
        phase = self.checkpoints.element(chunk.element).phase
        if run is None or run.run_id != chunk.run_id:
            return False
        return run.status is RunStatus.RUNNING and phase is Phase.BACKFILL

    def _work(self, chunk: Chunk, deadline: float) -> ChunkEnd:
        while True:
            started = self.target.clock.now()
            wait_s = self._wait_for_quota()
            if wait_s:
                return self._hand_over(chunk, delay_s=wait_s)
            page, cursor = self._next_page(chunk)
            if cursor is None:
                return self._finish(chunk)
            chunk, stuck = self._apply_page(chunk, page, cursor, deadline)
            if stuck:
                return self._hand_over(chunk, delay_s=_delay_of(stuck))
            if not self._may_run(chunk):
                return self._stop(chunk)
            now = self.target.clock.now()
            if now + (now - started) > deadline:
                return self._hand_over(chunk, delay_s=0)

    def _next_page(self, chunk: Chunk) -> tuple[list[LegacyRecord], str | None]:
        """Read the records after the cursor, and the cursor behind them; None at the end."""
        legacy = self.target.legacy
        limit = 1 if chunk.setbacks >= self.patience else self.page_size
        if chunk.deletions:
            gone, cursor = legacy.deletions(chunk.element, after=chunk.cursor, limit=limit)
            return [r for r in gone if 0 < len(r.key) <= LONGEST_KEY], cursor
        page = legacy.page(chunk.element, after=chunk.position, upto=chunk.upto, limit=limit)
        return page, page[-1].key if page else None

    def _wait_for_quota(self) -> float:
        """Seconds until the budget returns, when less than the reserve for live traffic is left."""
        quota = self.target.fhir.quota()
        if quota is None or quota.remaining >= self.quota_reserve:
            return 0.0
        return max(quota.resets_in_s, 1.0)

    def _apply_page(
        self, chunk: Chunk, page: Sequence[LegacyRecord], cursor: str, deadline: float
    ) -> tuple[Chunk, list[Applied]]:
        """Apply a page and checkpoint it, after the writes; or count the setback."""
        before = self.target.fhir.points_spent()
        mapping = self.elements[chunk.element]
        hash_key = self.target.hash_key
        changes = [as_change(chunk.element, record, hash_key=hash_key) for record in page]
        outcomes = apply(changes, mapping, self.target, deadline=deadline)
        chunk = chunk.charged(self.target.fhir.points_spent() - before)
        outcomes = self._give_up(chunk, outcomes)
        stuck = [applied for applied in outcomes if applied.outcome is Outcome.DEFERRED]
        if stuck:
            # Throttling and outages say nothing about a record.
            failing = any(isinstance(a.error, _OWN_FAULTS) for a in stuck)
            return (chunk.set_back() if failing else chunk), stuck
        ends = [a.outcome.disposition for a in outcomes if a.outcome.disposition is not None]
        chunk = chunk.advanced(
            cursor,
            Balance.of(len(page), ends),
            self.target.clock.now(),
            lease_s=self.lease_s,
        )
        return self.checkpoints.save_chunk(chunk), []

    def _give_up(self, chunk: Chunk, outcomes: list[Applied]) -> list[Applied]:
        """Hold back a record that stops the chunk all by itself, time and again (I14).

        After a few setbacks pages have one record, so that no other pays for it. What cannot be
        told from an outage of writes is given a long patience.
        """
        if len(outcomes) > 1 or chunk.setbacks < _LONG_PATIENCE * self.patience:
            return outcomes
        culprits = [a for a in outcomes if isinstance(a.error, _OWN_FAULTS)]
        given_up = [
            failed(a.change, RefusedError("gave up: every write failed", status=0), a.version)
            for a in culprits
        ]
        others = [a for a in outcomes if a not in culprits]
        return others + settle(given_up, self.elements[chunk.element], self.target)

    def _hand_over(self, chunk: Chunk, *, delay_s: float) -> ChunkEnd:
        """Give the chunk back and ask for it to be continued; the scheduler asks if this dies."""
        self.checkpoints.save_chunk(chunk.released(self.target.clock.now()))
        task = ChunkTask(element=chunk.element, run_id=chunk.run_id, chunk=chunk.number)
        self.tasks.send([task], delay_s=min(math.ceil(delay_s), _LONGEST_DELAY_S))
        self.target.telemetry.event("backfill.continued", **_names(chunk), delay_s=delay_s)
        return ChunkEnd.CONTINUED

    def _stop(self, chunk: Chunk) -> ChunkEnd:
        self.checkpoints.save_chunk(chunk.released(self.target.clock.now()))
        self.target.telemetry.event("backfill.stopped", **_names(chunk))
        return ChunkEnd.STOPPED

    def _finish(self, chunk: Chunk) -> ChunkEnd:
        self.checkpoints.save_chunk(chunk.finished(self.target.clock.now()))
        self.target.telemetry.event(
            "backfill.chunk_done", **_names(chunk), records=chunk.balance.eligible
        )
        return ChunkEnd.DONE


def _delay_of(stuck: Sequence[Applied]) -> float:
    """Wait for the quota, or for a person to mend a setting, or just a moment."""
    waits = [a.error.retry_after_s for a in stuck if isinstance(a.error, ThrottledError)]
    if any(isinstance(a.error, ConfigurationError) for a in stuck):
        waits.append(_MENDING_DELAY_S)
    return max(waits, default=_SETBACK_DELAY_S)


def _names(chunk: Chunk) -> dict[str, str | float]:
    return {"element": chunk.element, "run_id": chunk.run_id, "chunk": chunk.number}
