"""Phase 2, scheduling: a tick in, chunks planned and tasks enqueued."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medplum_migration.domain.checkpoint import Chunk, ChunkStatus, ChunkTask, Run, RunStatus
from medplum_migration.domain.errors import ConflictError
from medplum_migration.domain.phase import Phase
from medplum_migration.mapping.mapping import Mapping as ElementMapping
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
    in_flight: int = 8
    patience_s: float = 120.0

    def __call__(self) -> int:
        """Serve every element that is in backfill; return the number of tasks enqueued."""
        return sum(self._serve(element) for element in self.elements)

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

    def _counted(self, run: Run) -> Run:
        if run.total is not None:
            return run
        count = self.legacy.count(run.element)
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
            run, chunk = self._plan_next(run, chunks)
            if chunk is not None:
                waiting += 1
                chunks.append(chunk)
        return run, chunks

    def _plan_next(self, run: Run, chunks: Sequence[Chunk]) -> tuple[Run, Chunk | None]:
        found = chunks[run.chunks] if len(chunks) > run.chunks else self._cut(run)
        if found is None:
            return self.checkpoints.save_run(run.model_copy(update={"planning_done": True})), None
        stored = found if found.revision else self.checkpoints.save_chunk(found)
        planned = run.planned + found.size
        update = {
            "chunks": run.chunks + 1,
            "planned": planned,
            "planned_upto": found.upto,
            "planning_done": run.limit is not None and planned >= run.limit,
        }
        known = len(chunks) > run.chunks
        return self.checkpoints.save_run(run.model_copy(update=update)), None if known else stored

    def _cut(self, run: Run) -> Chunk | None:
        size = run.chunk_size
        if run.limit is not None:
            size = min(size, run.limit - run.planned)
        boundary = self.legacy.boundary(run.element, after=run.planned_upto, size=size)
        if boundary is None:
            return None
        upto, found = boundary
        return Chunk(
            element=run.element,
            run_id=run.run_id,
            number=run.chunks,
            after=run.planned_upto,
            upto=upto,
            size=found,
        )

    def _enqueue_due(self, chunks: Sequence[Chunk]) -> int:
        now = self.clock.now()
        busy = [c for c in chunks if not c.is_due(now, patience_s=self.patience_s)]
        free = self.in_flight - sum(chunk.status is not ChunkStatus.DONE for chunk in busy)
        due = [c for c in chunks if c.is_due(now, patience_s=self.patience_s)][: max(free, 0)]
        enqueued = [chunk for chunk in due if self._claim(chunk, now)]
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
