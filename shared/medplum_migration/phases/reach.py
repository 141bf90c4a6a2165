"""Whether a backfill that is under way will still come by a record."""

from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum

from medplum_migration.domain.checkpoint import Chunk, ChunkStatus, Run, RunStatus
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.ports.checkpoints import Checkpoints
from medplum_migration.ports.legacy import LegacyStore


class Reach(StrEnum):
    """Where a record lies on a backfill's way."""

    NO_BACKFILL = "no backfill is under way"
    AHEAD = "the backfill is still to come by"
    PASSED = "the backfill has come by"
    BEYOND = "the backfill ends before it"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAhead:
    """Compares keys as the legacy store does, by asking it."""

    checkpoints: Checkpoints
    legacy: LegacyStore

    def reach(self, element: str, record: LegacyRecord) -> Reach:
        """Tell where a record lies.

        Raises:
            UnavailableError: a store does not answer.

        """
        run = self.checkpoints.run(element)
        if run is None or run.status not in {RunStatus.RUNNING, RunStatus.PAUSED}:
            return Reach.NO_BACKFILL
        chunks = self.checkpoints.chunks(element, run.run_id)
        if record.row is None:
            return self._reach_deleted(run, chunks)
        rows = [chunk for chunk in chunks if not chunk.deletions]
        place = bisect_left(
            rows, 1, key=lambda chunk: not self._is_after(element, record.key, chunk.upto)
        )
        if place < len(rows):
            return self._reach_in(element, record.key, rows[place])
        return Reach.BEYOND if run.planning_done else Reach.AHEAD

    def _reach_in(self, element: str, key: str, chunk: Chunk) -> Reach:
        is_done = chunk.status is ChunkStatus.DONE
        position = chunk.position
        if is_done or (position is not None and not self._is_after(element, key, position)):
            return Reach.PASSED
        return Reach.AHEAD

    def _reach_deleted(self, run: Run, chunks: list[Chunk]) -> Reach:
        """Deletions are applied by a chunk of their own, the last; a sample has none."""
        last = [chunk for chunk in chunks if chunk.deletions]
        if last:
            is_done = last[0].status is ChunkStatus.DONE
            return Reach.PASSED if is_done else Reach.AHEAD
        return Reach.BEYOND if run.planning_done else Reach.AHEAD

    def _is_after(self, element: str, key: str, bound: str) -> bool:
        """Whether the key of a record that exists comes after another key."""
        return bool(self.legacy.page(element, after=bound, upto=key, limit=1))
