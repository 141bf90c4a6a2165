"""Telemetry of the demo's own process: none; the functions' logs tell what happened."""


class Silence:
    """Port `Telemetry` that keeps quiet."""

    def event(self, name: str, /, **fields: str | float) -> None:
        """Keep quiet."""

    def problem(self, name: str, /, **fields: str | float) -> None:
        """Keep quiet."""

    def count(self, metric: str, value: float, /, **dimensions: str) -> None:
        """Keep quiet."""
