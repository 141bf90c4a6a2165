"""Logs and metrics: named events with fields, never a value of a record."""

from typing import Protocol


class Telemetry(Protocol):
    """`event` names read `phase.past_verb`; metric names are CloudWatch's (`RecordsApplied`)."""

    def event(self, name: str, /, **fields: str | float) -> None:
        """Log that something happened."""

    def problem(self, name: str, /, **fields: str | float) -> None:
        """Log that something went wrong and somebody may have to act."""

    def count(self, metric: str, value: float, /, **dimensions: str) -> None:
        """Add to a metric."""
