"""Port `Clock`: the machine's own."""

import time


class SystemClock:
    """Wall clock and sleep."""

    def now(self) -> float:
        """Tell the time in seconds since the epoch."""
        return time.time()

    def pause(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)
