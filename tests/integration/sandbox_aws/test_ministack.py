"""The emulator's launcher: it starts alone, checks permissions, and leaves nothing behind."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from sandbox.aws import ministack
from sandbox.aws.ministack import MiniStack, MiniStackError
from sandbox.aws.tools import ROOT

pytestmark = pytest.mark.integration


def test_a_wrong_key_is_refused(stack: MiniStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures are checked: the emulator is no open door."""
    monkeypatch.setattr(ministack, "ACCESS_KEY", "another")

    with pytest.raises(ClientError):
        stack.client("sqs").list_queues()


def test_nothing_of_our_environment_reaches_the_emulator(stack: MiniStack) -> None:
    """The emulator hands its environment to functions, so it gets none of ours."""
    environment = psutil.Process(stack.pid).environ()

    assert "PYTEST_CURRENT_TEST" not in environment
    assert "127.0.0.1" == environment["BIND_HOST"]


def test_the_log_explains_a_failed_start(
    stack: MiniStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that fails says so with the end of the emulator's log."""
    taken = int(stack.endpoint_url.rpartition(":")[2])
    monkeypatch.setattr(ministack, "_free_port", lambda: taken)
    second = MiniStack(tmp_path / "second.log", start_timeout_s=10)
    monkeypatch.setattr(second, "_is_healthy", lambda: False)

    with pytest.raises(MiniStackError, match="ends with"):
        second.start()


def test_it_ends_with_its_parent(stack: MiniStack, tmp_path: Path) -> None:
    """A parent that is killed takes the emulator along, and its scratch files."""
    assert stack.pid
    script = (
        "import pathlib, time; from sandbox.aws.ministack import MiniStack\n"
        f"s = MiniStack(pathlib.Path({str(tmp_path / 'aws.log')!r})); s.start()\n"
        "print(s.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S603 because the arguments are fixed
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    scratch = Path(child.environ()["TMPDIR"])
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10

    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert not scratch.exists()
