"""An operator's hand on a backfill: start, pause, resume, restart a chunk, see how far it is."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from medplum_migration.domain.checkpoint import Balance, Chunk, ChunkStatus, Run, RunStatus
from medplum_migration.domain.errors import ConfigurationError, ConflictError
from medplum_migration.domain.phase import Phase
from medplum_migration.ports.checkpoints import Checkpoints
from medplum_migration.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `rate` in records a second since its start, `eta_s` None while unknown."""

    run: Run
    balance: Balance
    chunks_done: int
    rate: float
    eta_s: float | None
    quota_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SteerBackfill:
    """Runs of one element follow each other; each command is a compare-and-set on the latest."""

    checkpoints: Checkpoints
    clock: Clock

    def start(
        self,
        element: str,
        *,
        chunk_size: int,
        limit: int | None = None,
        captures: Callable[[str], bool] | None = None,
    ) -> Run:
        """Begin a run over all records, or the first `limit` by key.

        `captures` tells whether changes of an element are captured; None does not ask.

        Raises:
            ConfigurationError: the element is not in the phase `backfill`, a run is going on, or
                changes beside it would be missed.

        """
        if self.checkpoints.element(element).phase is not Phase.BACKFILL:
            reason = "a backfill starts in phase backfill; set it with `phase set`"
            raise ConfigurationError(reason, element=element)
        latest = self.checkpoints.run(element)
        if latest is not None and latest.status in {RunStatus.RUNNING, RunStatus.PAUSED}:
            reason = "a run is going on; resume it, or wait for its end"
            raise ConfigurationError(reason, element=element, run_id=latest.run_id)
        if captures is not None and not captures(element):
            reason = "changes are not captured: `capture install`, or say why in --without-capture"
            raise ConfigurationError(reason, element=element)
        run = Run(
            element=element,
            run_id=uuid.uuid4().hex[:12],
            chunk_size=chunk_size,
            limit=limit,
            started_at=self.clock.now(),
            revision=latest.revision if latest else 0,
        )
        return self.checkpoints.save_run(run)

    def pause(self, element: str) -> Run:
        """Stop workers after the page they are on."""
        return self._set_status(element, RunStatus.RUNNING, RunStatus.PAUSED)

    def resume(self, element: str) -> Run:
        """Let the scheduler enqueue again, at its next tick."""
        run = self._set_status(element, RunStatus.PAUSED, RunStatus.RUNNING)
        self.forget_tasks(element)
        return run

    def abandon(self, element: str) -> None:
        """End an unfinished run, because writes will be missed that it should have seen."""
        run = self.checkpoints.run(element)
        if run is not None and run.status in {RunStatus.RUNNING, RunStatus.PAUSED}:
            update = {"status": RunStatus.ABANDONED, "ended_at": self.clock.now()}
            self.checkpoints.save_run(run.model_copy(update=update))

    def restart_chunk(self, element: str, number: int) -> Chunk:
        """Apply every key of one chunk again; its balance starts from zero.

        Records that Medplum holds at their version are found current and not written.

        Raises:
            ConfigurationError: there is no such chunk, or its run was abandoned.

        """
        run = self._latest(element)
        chunk = self.checkpoints.chunk(element, run.run_id, number)
        if chunk is None:
            reason = "no such chunk"
            raise ConfigurationError(reason, element=element, chunk=number)
        if run.status is RunStatus.ABANDONED:
            reason = "the run was abandoned; start another"
            raise ConfigurationError(reason, element=element, run_id=run.run_id)
        status = RunStatus.RUNNING if run.status is RunStatus.DONE else run.status
        # The run first, and always: a scheduler that is about to end it finds a new revision.
        self.checkpoints.save_run(run.model_copy(update={"status": status, "ended_at": None}))
        return self.checkpoints.save_chunk(chunk.restarted())

    def forget_tasks(self, element: str) -> None:
        """Make every chunk that nobody works on due at once, after a queue has lost its tasks."""
        run = self._latest(element)
        for chunk in self.checkpoints.chunks(element, run.run_id):
            if chunk.status is ChunkStatus.PENDING and chunk.enqueued_at:
                with suppress(ConflictError):  # somebody works on it after all
                    self.checkpoints.save_chunk(chunk.model_copy(update={"enqueued_at": 0.0}))

    def progress(self, element: str) -> Progress | None:
        """Add up the chunks of the latest run; None when there was none."""
        run = self.checkpoints.run(element)
        if run is None:
            return None
        chunks = self.checkpoints.chunks(element, run.run_id)
        balance = sum((chunk.balance for chunk in chunks), Balance())
        elapsed = (run.ended_at or self.clock.now()) - run.started_at
        rate = balance.eligible / elapsed if elapsed > 0 else 0.0
        left = None if run.total is None else max(run.total - balance.eligible, 0)
        return Progress(
            run=run,
            balance=balance,
            chunks_done=sum(chunk.status is ChunkStatus.DONE for chunk in chunks),
            rate=rate,
            eta_s=left / rate if rate and left is not None else None,
            quota_points=sum(chunk.quota_points for chunk in chunks),
        )

    def _latest(self, element: str) -> Run:
        run = self.checkpoints.run(element)
        if run is None:
            reason = "no backfill was started yet"
            raise ConfigurationError(reason, element=element)
        return run

    def _set_status(self, element: str, current: RunStatus, wanted: RunStatus) -> Run:
        run = self._latest(element)
        if run.status is not current:
            reason = f"the run is {run.status.value}, not {current.value}"
            raise ConfigurationError(reason, element=element, run_id=run.run_id)
        return self.checkpoints.save_run(run.model_copy(update={"status": wanted}))
