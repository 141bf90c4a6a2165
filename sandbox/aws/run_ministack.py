"""Runs MiniStack in the tool environment's Python; ends it when the parent has gone.

Started as a script (`python -I run_ministack.py PARENT_PID`), so it imports nothing of ours.
A process group of its own holds the emulator and the functions it starts: all end together.
"""

import contextlib
import hashlib
import importlib
import inspect
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CHECK_EVERY_S = 0.5
_SCRATCH = Path(os.environ["TMPDIR"])
_UNPACKED = Path(__file__).resolve().parents[2] / ".aws-sam" / "unpacked"


class _UnpackedOnce(zipfile.ZipFile):
    """A zip whose content every extraction shares, as Lambda's workers share `/opt`.

    MiniStack unpacks all layers for each worker, which takes seconds of its one process. What is
    unpacked stays for later runs, with the bytecode that functions leave there.
    """

    _unpacking = threading.Lock()

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:  # noqa: ANN401, ARG002 because the signature is zipfile's
        """Unpack on first sight of this content; give `path` links into it."""
        content = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        unpacked = _UNPACKED / content
        with self._unpacking:
            if not unpacked.exists():
                self._unpack(unpacked)
        for entry in unpacked.iterdir():
            Path(path, entry.name).symlink_to(entry)

    def _unpack(self, unpacked: Path) -> None:
        """Unpack under another name first: emulators beside this one share the folder."""
        unpacked.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=unpacked.parent, prefix="new-") as folder:
            unfinished = Path(folder, "content")
            super().extractall(unfinished)
            with contextlib.suppress(OSError):  # the other one was faster
                unfinished.rename(unpacked)


def _share_unpacked_layers() -> None:
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    runtime.zipfile = types.SimpleNamespace(**{**vars(zipfile), "ZipFile": _UnpackedOnce})


def _guard_queues() -> None:
    """Let requests change a queue one at a time.

    MiniStack rebuilds a queue's list of messages in the threads that feed functions, while requests
    append to that list without its lock: once in a long while, a sent message would be lost.
    """
    sqs: Any = importlib.import_module("ministack.services.sqs")
    sqs._queues_lock = lock = threading.RLock()  # noqa: SLF001 because it has no other name

    def guarded(change: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:  # noqa: ANN401 because it stands for any of them
            with lock:
                return change(*arguments)

        return call

    actions: dict[str, Callable[..., Any]] = sqs._HANDLERS  # noqa: SLF001 as above
    for name, action in actions.items():
        if not inspect.iscoroutinefunction(action):
            actions[name] = guarded(action)
    for name in ("_expire_retained", "_dlq_sweep", "_collect_msgs"):
        setattr(sqs, name, guarded(getattr(sqs, name)))


def _end_with(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(_CHECK_EVERY_S)
    shutil.rmtree(_SCRATCH, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Start the watchdog, then MiniStack in this same process."""
    parent_pid = int(sys.argv.pop())
    threading.Thread(target=_end_with, args=(parent_pid,), daemon=True).start()
    _share_unpacked_layers()
    _guard_queues()
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
