"""How far a backfill has come: runs, chunks, leases, and the balance of records."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict


class Disposition(StrEnum):
    """The one end of each eligible record.

    successful: Medplum holds exactly this version. skipped: Medplum already held a newer one.
    rejected: Medplum refused it. quarantined: it cannot be mapped, or its identity is unclear.
    """

    SUCCESSFUL = "successful"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"


class Balance(BaseModel):
    """`eligible = successful + rejected + skipped + quarantined`, counted on both sides."""

    model_config = ConfigDict(frozen=True)

    eligible: int = 0
    successful: int = 0
    rejected: int = 0
    skipped: int = 0
    quarantined: int = 0

    @classmethod
    def of(cls, eligible: int, dispositions: Iterable[Disposition]) -> Self:
        """Count dispositions against the number of records that were read."""
        counts = dict.fromkeys(Disposition, 0)
        for disposition in dispositions:
            counts[disposition] += 1
        return cls(eligible=eligible, **{d.value: n for d, n in counts.items()})

    def __add__(self, other: "Balance") -> "Balance":
        mine, theirs = self.model_dump(), other.model_dump()
        return Balance(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def open(self) -> int:
        """Eligible records without a disposition; negative when a record has two."""
        ended = self.successful + self.rejected + self.skipped + self.quarantined
        return self.eligible - ended

    def __str__(self) -> str:
        return (
            f"eligible {self.eligible} = successful {self.successful} + rejected {self.rejected}"
            f" + skipped {self.skipped} + quarantined {self.quarantined}"
        )


class RunStatus(StrEnum):
    """Whether a run may be worked on; an abandoned one proves nothing and never goes on."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    ABANDONED = "abandoned"


class Run(BaseModel):
    """One backfill of one data element type, cut into chunks as the planner walks the key space.

    `total` is the number of records when planning began, at most `limit`; None before that.
    """

    model_config = ConfigDict(frozen=True)

    element: str
    run_id: str
    status: RunStatus = RunStatus.RUNNING
    chunk_size: int
    limit: int | None = None
    total: int | None = None
    planned: int = 0
    planned_upto: str | None = None
    chunks: int = 0
    planning_done: bool = False
    started_at: float
    ended_at: float | None = None
    revision: int = 0


class ChunkStatus(StrEnum):
    """Where a chunk stands; a running chunk whose lease has expired is due again."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"


class Chunk(BaseModel):
    """The keys in (`after`, `upto`] of one run; `cursor` is the last key that is safely written.

    With `deletions` the chunk stands for every deletion that capture knows instead, and the cursor
    is the legacy store's own.
    """

    model_config = ConfigDict(frozen=True)

    element: str
    run_id: str
    number: int
    after: str | None
    upto: str
    size: int
    deletions: bool = False
    cursor: str | None = None
    status: ChunkStatus = ChunkStatus.PENDING
    balance: Balance = Balance()
    quota_points: int = 0
    lease_token: str | None = None
    lease_expires_at: float = 0.0
    enqueued_at: float = 0.0
    updated_at: float = 0.0
    leases: int = 0
    setbacks: int = 0
    revision: int = 0

    @property
    def position(self) -> str | None:
        """The key after which the next page starts."""
        return self.after if self.cursor is None else self.cursor

    def is_free(self, now: float) -> bool:
        """Whether a worker may take it: not done, and not leased by a living worker."""
        if self.status is ChunkStatus.RUNNING:
            return now >= self.lease_expires_at
        return self.status is ChunkStatus.PENDING

    def is_due(self, now: float, *, patience_s: float) -> bool:
        """Whether it should be enqueued: free, and not enqueued within the last `patience_s`."""
        return self.is_free(now) and now >= self.enqueued_at + patience_s

    def leased(self, token: str, now: float, *, lease_s: float) -> Self:
        """Take it for `lease_s` seconds."""
        return self.model_copy(
            update={
                "status": ChunkStatus.RUNNING,
                "lease_token": token,
                "lease_expires_at": now + lease_s,
                "leases": self.leases + 1,
                "updated_at": now,
            }
        )

    def charged(self, quota_points: int) -> Self:
        """Add the quota points that work on it has cost."""
        return self.model_copy(update={"quota_points": self.quota_points + quota_points})

    def set_back(self) -> Self:
        """Count a page that could not be ended."""
        return self.model_copy(update={"setbacks": self.setbacks + 1})

    def advanced(self, cursor: str | None, balance: Balance, now: float, *, lease_s: float) -> Self:
        """Record a page that is safely written, and prolong the lease."""
        return self.model_copy(
            update={
                "cursor": cursor,
                "balance": self.balance + balance,
                "setbacks": 0,
                "lease_expires_at": now + lease_s,
                "updated_at": now,
            }
        )

    def released(self, now: float) -> Self:
        """Give it back unfinished."""
        return self.model_copy(
            update={
                "status": ChunkStatus.PENDING,
                "lease_token": None,
                "enqueued_at": now,
                "updated_at": now,
            }
        )

    def finished(self, now: float) -> Self:
        """Mark that every key is written."""
        return self.model_copy(
            update={"status": ChunkStatus.DONE, "lease_token": None, "updated_at": now}
        )

    def restarted(self) -> "Chunk":
        """Forget all progress, so that every key is applied again."""
        return Chunk(
            element=self.element,
            run_id=self.run_id,
            number=self.number,
            after=self.after,
            upto=self.upto,
            size=self.size,
            deletions=self.deletions,
            revision=self.revision,
        )


class ChunkTask(BaseModel):
    """The queue message that asks a worker to continue a chunk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    element: str
    run_id: str
    chunk: int
