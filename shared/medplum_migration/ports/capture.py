"""Capture: what makes the legacy database tell every change of a record, installed and removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class CaptureState(StrEnum):
    """Whether an element's changes are captured, and captured as its source says now.

    drifted: some triggers are missing, others than they should be, or of an older source.
    """

    INSTALLED = "installed"
    DRIFTED = "drifted"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class ElementCapture:
    """Capture of one element; ages in seconds, None when there is nothing that has one.

    `records` counts those captured at least once, `waiting` the changes in the outbox.
    """

    element: str
    state: CaptureState
    triggers: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    left_over: tuple[str, ...]
    records: int = 0
    last_captured_s: float | None = None
    waiting: int = 0
    oldest_waiting_s: float | None = None


class Capture(Protocol):
    """Capture of the elements that the legacy store reads.

    All methods raise `ConfigurationError` for an element that cannot be captured, and
    `UnavailableError`.
    """

    @property
    def elements(self) -> tuple[str, ...]:
        """Name the elements that can be captured."""

    def installation(self, elements: Sequence[str]) -> list[str]:
        """Write the statements that turn capture of some elements on; none when it is on."""

    def removal(self, elements: Sequence[str], *, drop_tables: bool = False) -> list[str]:
        """Write the statements that turn capture of some elements off."""

    def execute(self, statements: Sequence[str]) -> None:
        """Execute what the other methods wrote."""

    def status(self, elements: Sequence[str]) -> list[ElementCapture]:
        """Compare what is installed with what should be."""
