"""Runs MiniStack in the tool environment's Python; ends it when the parent has gone.

Started as a script (`python -I run_ministack.py PARENT_PID`), so it imports nothing of ours.
A process group of its own holds the emulator and the functions it starts: all end together.
"""

import importlib
import os
import shutil
import signal
import sys
import threading
import time

_CHECK_EVERY_S = 0.5


def _end_with(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(_CHECK_EVERY_S)
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Start the watchdog, then MiniStack in this same process."""
    parent_pid = int(sys.argv.pop())
    threading.Thread(target=_end_with, args=(parent_pid,), daemon=True).start()
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
