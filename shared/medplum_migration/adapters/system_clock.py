"""Port `Clock`: the machine's own."""

import random
import time


class SystemClock:
    """Wall clock and sleep; a pause lasts between half of what was asked for and all of it."""

    def now(self) -> float:
        """Tell the time in seconds since the epoch."""
        return time.time()

    def pause(self, seconds: float) -> None:
        """Sleep, shortened at random so that workers spread."""
        time.sleep(seconds * random.uniform(0.5, 1.0))  # noqa: S311 because nothing is secret here
