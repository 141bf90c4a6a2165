"""How long a sandbox process lives: until it is told to stop, or its parent is gone."""

import os
import signal
import time
from types import FrameType

_LOOK_S = 0.2


class Lifetime:
    """Ends at SIGTERM or SIGINT and with the parent process; make it in the main thread."""

    def __init__(self) -> None:
        self._ended = False
        self._parent = os.getppid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def lasts(self) -> bool:
        """Tell whether to go on."""
        return not self._ended and os.getppid() == self._parent

    def pause(self, seconds: float) -> bool:
        """Wait, in steps short enough to end in time; tell whether to go on."""
        until = time.monotonic() + seconds
        while self.lasts() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_S))
        return self.lasts()

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ended = True
