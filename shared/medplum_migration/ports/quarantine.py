"""Quarantine: what could not be applied, as thin entries that can be replayed at any time."""

from collections.abc import Iterator
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from medplum_migration.domain.change_event import ChangeEvent, Operation

REMEMBERED = 10


class Attempt(BaseModel):
    """One try that failed: at which version, why, and when."""

    model_config = ConfigDict(frozen=True)

    version: int
    code: str
    path: str
    at: float


class QuarantineEntry(BaseModel):
    """One record that waits for a person; holds no value of it.

    `code` is an error's `code`, `path` the legacy column or FHIR path, `attempts` how often it was
    put here, `earlier` the last of those times but this one, oldest first. `waits_for` and
    `waits_for_key` name the record whose arrival lets it be tried again.
    """

    model_config = ConfigDict(frozen=True)

    element: str
    key: str
    version: int
    operation: Operation
    code: str
    reason: str
    path: str = ""
    attempts: int = 1
    earlier: tuple[Attempt, ...] = ()
    quarantined_at: float
    waits_for: str = ""
    waits_for_key: str = ""

    def after(self, held: "QuarantineEntry") -> "QuarantineEntry":
        """Take the place of the entry before, and remember it."""
        last = Attempt(version=held.version, code=held.code, path=held.path, at=held.quarantined_at)
        earlier = (*held.earlier, last)[1 - REMEMBERED :]
        return self.model_copy(update={"attempts": held.attempts + 1, "earlier": earlier})

    def as_event(self) -> ChangeEvent:
        """Make the thin event that has the record tried again."""
        return ChangeEvent(
            element=self.element, key=self.key, version=self.version, operation=self.operation
        )


class Quarantine(Protocol):
    """One entry per record, the newest version wins; raises `UnavailableError`."""

    def put(self, entry: QuarantineEntry) -> None:
        """Store an entry unless one with a higher version is there; it remembers that one."""

    def get(self, element: str, key: str) -> QuarantineEntry | None:
        """Read one entry."""

    def entries(self, element: str) -> Iterator[QuarantineEntry]:
        """Read all entries of an element, by key."""

    def close(self, element: str, key: str, *, upto_version: int) -> bool:
        """Remove an entry whose version is at most `upto_version`; tell whether one was removed."""
