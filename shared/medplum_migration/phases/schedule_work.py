"""Phase 2, scheduling: a tick in, chunks planned and tasks enqueued."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medplum_migration.domain.checkpoint import Chunk, ChunkStatus, ChunkTask, Run, RunStatus
from medplum_migration.domain.errors import ConflictError, MigrationError, UnavailableError
from medplum_migration.domain.phase import Phase
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.phases.deferral import count_deferred
from medplum_migration.phases.parked import Parked
from medplum_migration.ports.checkpoints import Checkpoints
from medplum_migration.ports.clock import Clock
from medplum_migration.ports.legacy import LegacyStore
from medplum_migration.ports.queues import Queue
from medplum_migration.ports.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleWork:
    """Plans and enqueues; may run twice at once, and be killed at any point.

    `in_flight` bounds the chunks of one element that are enqueued or worked on. A chunk that was
    enqueued `patience_s` seconds ago and is not leased is enqueued again: its task was lost.
    """

    elements: Mapping[str, ElementMapping[Any]]
    checkpoints: Checkpoints
    legacy: LegacyStore
    tasks: Queue[ChunkTask]
    clock: Clock
    telemetry: Telemetry
    parked: Parked
    in_flight: int = 8
    patience_s: float = 120.0

    def __call__(self) -> int:
        """Serve every element; return the number of tasks enqueued.

        Raises:
            MigrationError: the last trouble with an element, after all others were served.

        """
        enqueued, trouble = 0, None
        for element in self.elements:
            try:
                enqueued += self._serve(element)
                self._retry_parked(element)
            except MigrationError as error:
                trouble = error
                count_deferred(self.telemetry, [error])
                self.telemetry.problem("schedule_work.failed", element=element, reason=str(error))
        if trouble is not None:
            raise trouble
        return enqueued

    def _serve(self, element: str) -> int:
        run = self.checkpoints.run(element)
        if run is None or run.status is not RunStatus.RUNNING:
            return 0
        if self.checkpoints.element(element).phase is not Phase.BACKFILL:
            return 0
        try:
            run, chunks = self._plan(self._counted(run))
            self._end_if_done(run, chunks)
        except ConflictError:
            self.telemetry.event("schedule_work.overtaken", element=element)
            return 0
        return self._enqueue_due(chunks)

    def _retry_parked(self, element: str) -> None:
        retried = self.parked.retry(element)
        if retried:
            self.telemetry.event("schedule_work.parked_retried", element=element, records=retried)

    def _counted(self, run: Run) -> Run:
        if run.total is not None:
            return run
        try:
            count = self.legacy.count(run.element)
        except UnavailableError:
            # A large table may be too slow to count; the run goes on without a total.
            self.telemetry.problem("schedule_work.not_counted", element=run.element)
            return run
        total = count if run.limit is None else min(count, run.limit)
        return self.checkpoints.save_run(run.model_copy(update={"total": total}))

    def _plan(self, run: Run) -> tuple[Run, list[Chunk]]:
        """Cut chunks ahead of the workers, by keyset, until enough are waiting.

        The chunk is stored before the run: a crash between leaves a chunk that the next tick finds
        in its place and keeps.
        """
        chunks = self.checkpoints.chunks(run.element, run.run_id)
        waiting = sum(chunk.status is not ChunkStatus.DONE for chunk in chunks)
        while not run.planning_done and waiting < 2 * self.in_flight:
            known = len(chunks) > run.chunks
            chunk = chunks[run.chunks] if known else self._cut(run, chunks[-1:])
            if chunk.deletions and waiting > 0 and not known:
                break  # deletions are worked on after everything else
            run, chunk = self._add(run, chunk)
            if not known:
                waiting += 1
                chunks.append(chunk)
        return run, chunks

    def _add(self, run: Run, chunk: Chunk) -> tuple[Run, Chunk]:
        stored = chunk if chunk.revision else self.checkpoints.save_chunk(chunk)
        planned = run.planned + chunk.size
        update = {
            "chunks": run.chunks + 1,
            "planned": planned,
            "planned_upto": run.planned_upto if chunk.deletions else chunk.upto,
            "planning_done": chunk.deletions or (run.limit is not None and planned >= run.limit),
        }
        return self.checkpoints.save_run(run.model_copy(update=update)), stored

    def _cut(self, run: Run, last: Sequence[Chunk]) -> Chunk:
        """Cut the next chunk; after the last key, one for the deletions that capture knows.

        A chunk that is not full reached the last key: what came behind it since, capture saw.
        """
        size = run.chunk_size
        if run.limit is not None:
            size = min(size, run.limit - run.planned)
        at_end = any(chunk.size < run.chunk_size for chunk in last)
        boundary = (
            None if at_end else self.legacy.boundary(run.element, after=run.planned_upto, size=size)
        )
        upto, found = boundary or ("", 0)
        return Chunk(
            element=run.element,
            run_id=run.run_id,
            number=run.chunks,
            after=run.planned_upto,
            upto=upto,
            size=found,
            deletions=boundary is None,
        )

    def _enqueue_due(self, chunks: Sequence[Chunk]) -> int:
        now = self.clock.now()
        busy = [c for c in chunks if not c.is_due(now, patience_s=self.patience_s)]
        free = self.in_flight - sum(chunk.status is not ChunkStatus.DONE for chunk in busy)
        due = [c for c in chunks if c.is_due(now, patience_s=self.patience_s)]
        # Chunks that were tried least come first, so that a poisonous one starves no other.
        due.sort(key=lambda chunk: (chunk.leases, chunk.number))
        enqueued = [chunk for chunk in due[: max(free, 0)] if self._claim(chunk, now)]
        if enqueued:
            self.tasks.send(
                [ChunkTask(element=c.element, run_id=c.run_id, chunk=c.number) for c in enqueued]
            )
        return len(enqueued)

    def _claim(self, chunk: Chunk, now: float) -> bool:
        """Note that a chunk is enqueued; another scheduler, or its worker, may be faster."""
        try:
            self.checkpoints.save_chunk(chunk.model_copy(update={"enqueued_at": now}))
        except ConflictError:
            return False
        return True

    def _end_if_done(self, run: Run, chunks: Sequence[Chunk]) -> None:
        if run.planning_done and all(chunk.status is ChunkStatus.DONE for chunk in chunks):
            update = {"status": RunStatus.DONE, "ended_at": self.clock.now()}
            self.checkpoints.save_run(run.model_copy(update=update))
            self.telemetry.event("schedule_work.run_done", element=run.element, run_id=run.run_id)
