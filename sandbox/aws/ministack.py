"""Starts and stops the AWS emulator on a free port of this machine."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError

from sandbox.aws.tools import tool

REGION = "us-east-1"
# With AUTH on, this key is the account's root; functions get their role's own.
ACCESS_KEY = "test"
_LOG_TAIL = 2000


class MiniStackError(Exception):
    """The emulator does not run; the message ends with the tail of its log."""

    def __init__(self, reason: str, log_path: Path) -> None:
        tail = log_path.read_text(errors="replace")[-_LOG_TAIL:] if log_path.exists() else ""
        super().__init__(f"MiniStack {reason}; {log_path} ends with:\n{tail}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MiniStack:
    """An AWS account that lives as long as the `with` block, or as this process.

    Signatures and role policies are checked as on AWS. Nothing of this process's environment
    reaches the emulator, because the emulator hands its own on to every function.
    """

    def __init__(self, log_path: Path, *, start_timeout_s: float = 30.0) -> None:
        self.log_path = log_path
        self.endpoint_url = ""
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch = Path()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the emulator; the functions are its children."""
        if self._process is None:
            raise MiniStackError(reason="was not started", log_path=self.log_path)
        return self._process.pid

    def start(self) -> None:
        """Start the emulator and wait until it answers.

        Raises:
            MiniStackError: it ended, or did not answer in time.
        """
        port = _free_port()
        self.endpoint_url = f"http://127.0.0.1:{port}"
        self._scratch = Path(tempfile.mkdtemp(prefix="ministack-"))
        command = [
            str(tool("ministack", "python")),
            "-I",
            str(Path(__file__).with_name("run_ministack.py")),
            str(os.getpid()),
        ]
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env=self._own_environment(port),
                cwd=self._scratch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_healthy()

    def stop(self) -> None:
        """End the emulator and every function process, and remove their files."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        shutil.rmtree(self._scratch, ignore_errors=True)

    def client(self, service: str) -> Any:  # noqa: ANN401 because boto3 has a type per service
        """Return a boto3 client for a service of the emulator, with the root key."""
        import boto3

        make: Callable[..., Any] = boto3.client  # its overloads do not take a plain string
        return make(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=ACCESS_KEY,
        )

    def environment(self) -> dict[str, str]:
        """Return what the AWS tools need in their environment to reach the emulator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
        }

    def _own_environment(self, port: int) -> dict[str, str]:
        return {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",  # it would open a port for MQTT
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(self._scratch),
            "HOME": str(self._scratch),
            "LANG": "C.UTF-8",
        }

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        while not self._is_healthy():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                reason = "ended" if ended else "did not answer"
                raise MiniStackError(reason, self.log_path)
            time.sleep(0.05)

    def _is_healthy(self) -> bool:
        url = f"{self.endpoint_url}/_ministack/health"
        try:
            with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 because the URL is ours
                return bool(response.status == 200)  # noqa: PLR2004 because 200 is OK
        except (URLError, OSError):
            return False
