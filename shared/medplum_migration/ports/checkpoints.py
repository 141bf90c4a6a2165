"""The control table: element states, backfill runs and their chunks, and the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from medplum_migration.domain.checkpoint import Chunk, Run
from medplum_migration.domain.data_element import ElementState


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to an element, and when (seconds since the epoch)."""

    element: str
    at: float
    actor: str
    action: str
    detail: str


class Checkpoints(Protocol):
    """Strongly consistent reads and compare-and-set writes.

    Every `save_…` takes a value as read and changed, stores it if nobody stored another since
    (`revision`), and returns it with its new revision. Raises `ConflictError` when somebody did,
    `UnavailableError` when the store does not answer.
    """

    def element(self, element: str) -> ElementState:
        """Read an element's state; the default state when none is stored."""

    def save_element(self, state: ElementState) -> ElementState:
        """Store an element's state."""

    def run(self, element: str) -> Run | None:
        """Read the latest run of an element."""

    def save_run(self, run: Run) -> Run:
        """Store a run as the latest of its element; a new run takes over its revision."""

    def chunks(self, element: str, run_id: str) -> list[Chunk]:
        """Read all chunks of a run, by number."""

    def chunk(self, element: str, run_id: str, number: int) -> Chunk | None:
        """Read one chunk."""

    def save_chunk(self, chunk: Chunk) -> Chunk:
        """Store a chunk."""

    def append_audit(self, entry: AuditEntry) -> None:
        """Append to the audit trail."""

    def audit(self, element: str) -> Sequence[AuditEntry]:
        """Read the audit trail, oldest first."""
