"""Quarantine: what could not be applied, as thin entries that can be replayed at any time."""

from collections.abc import Iterator
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from medplum_migration.domain.change_event import ChangeEvent, Operation


class QuarantineEntry(BaseModel):
    """One record that waits for a person; holds no value of it.

    `code` is an error's `code`, `path` the legacy column or FHIR path, `attempts` how often it was
    put here. `waits_for` and `waits_for_key` name the record whose arrival lets it be tried again.
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
    quarantined_at: float
    waits_for: str = ""
    waits_for_key: str = ""

    def as_event(self) -> ChangeEvent:
        """Make the thin event that has the record tried again."""
        return ChangeEvent(
            element=self.element, key=self.key, version=self.version, operation=self.operation
        )


class Quarantine(Protocol):
    """One entry per record, the newest version wins; raises `UnavailableError`."""

    def put(self, entry: QuarantineEntry) -> None:
        """Store an entry unless one with a higher version is there; count attempts."""

    def get(self, element: str, key: str) -> QuarantineEntry | None:
        """Read one entry."""

    def entries(self, element: str) -> Iterator[QuarantineEntry]:
        """Read all entries of an element, by key."""

    def close(self, element: str, key: str, *, upto_version: int) -> bool:
        """Remove an entry whose version is at most `upto_version`; tell whether one was removed."""
