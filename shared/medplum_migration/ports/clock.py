"""Time: the only way the engine learns it or spends it."""

from typing import Protocol


class Clock(Protocol):
    """Seconds since the epoch, and pauses."""

    def now(self) -> float:
        """Tell the time in seconds since the epoch."""

    def pause(self, seconds: float) -> None:
        """Wait for at most `seconds`; adapters shorten it at random so that workers spread."""
