"""The outbox: captured changes that wait to be published."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Captured:
    """One captured write, as the outbox holds it; `sequence` is the record's version."""

    element: str
    key: str
    sequence: int
    operation: str


@dataclass(frozen=True, slots=True)
class Lag:
    """How many captured writes wait, and for how many seconds the oldest has waited."""

    depth: int
    age_s: float


class Outbox(Protocol):
    """A queue in the legacy database; all methods raise `UnavailableError`.

    What commits late appears late: there is no position to fall behind of.
    """

    def waiting(self, limit: int) -> list[Captured]:
        """Read up to `limit` captured writes, the oldest first, those of a record in order."""

    def remove(self, published: Sequence[Captured]) -> None:
        """Remove captured writes that were published; others may be gone already."""

    def lag(self) -> Lag:
        """Measure what waits."""
