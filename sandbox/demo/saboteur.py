"""Kills functions and ticks the scheduler, in threads of their own."""

import contextlib
import os
import random
import signal
import threading
from collections.abc import Callable
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError
from psutil import NoSuchProcess

from sandbox.aws.observation import function_processes
from sandbox.demo.stage import Stage


class Ticker:
    """Calls something every so many seconds, until its block ends; a call that fails is let go."""

    def __init__(self, every_s: float, call: Callable[[], object]) -> None:
        self._every_s = every_s
        self._call = call
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            with contextlib.suppress(BotoCoreError, ClientError, NoSuchProcess):
                self._call()


class Saboteur:
    """Kills one process of dual write or backfill, without warning (SIGKILL)."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._random = random.Random(seed)  # noqa: S311 because it is a game
        self.killed = 0

    def kill_one(self) -> bool:
        """Kill a process of one of the two functions; tell whether there was any."""
        names = ["BackfillFunctionName", "DualWriteFunctionName"]
        self._random.shuffle(names)
        for name in names:
            processes = function_processes(self._stage.aws, self._stage.outputs[name])
            if processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._random.choice(processes), signal.SIGKILL)
                    self.killed += 1
                    return True
        return False
