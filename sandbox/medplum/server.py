"""Starts, steers and stops the embedded Medplum from Python."""

import json
import os
import select
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from sandbox.medplum.node import (
    NODE_ROOT,
    EmbeddedMedplumError,
    check_version,
    install,
    node_binary,
)

__all__ = ["EmbeddedMedplum", "EmbeddedMedplumError", "install"]

CLIENT_ID = "5f1d1c2e-6a4b-4c58-9f0e-0a5d3c7b9e11"
CLIENT_SECRET = "embedded-medplum-secret"  # noqa: S105 because it protects nothing but a sandbox
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0
_LOG_TAIL = 2000


class EmbeddedMedplum:
    """A running server; the FHIR base is `<base_url>fhir/R4`.

    Attributes:
        base_url: With a trailing slash, e.g. `http://127.0.0.1:1234/`.
        client_id: OAuth2 client that may do everything.
        client_secret: Its secret.
        pid: Process id of Node.

    """

    def __init__(self, process: subprocess.Popen[str], base_url: str) -> None:
        self._process = process
        self.base_url = base_url
        self.client_id = CLIENT_ID
        self.client_secret = CLIENT_SECRET
        self.pid = process.pid

    @classmethod
    def start(  # noqa: PLR0913 because each is one keyword-only switch of the server
        cls,
        *,
        log_path: Path,
        data: Path | None = None,
        quota: int | None = None,
        conflicts: float = 0.0,
        latency_ms: int = 0,
        port: int = 0,
        extra: Sequence[str] = (),
    ) -> Self:
        """Install what is missing, start the server and wait until it answers.

        Args:
            log_path: The server's standard error is appended here.
            data: Journal; with it resources survive a restart.
            quota: FHIR points per client and window; not enforced when None.
            conflicts: Probability of an injected 409 where the real server could answer one.
            latency_ms: Delay of every answer.
            port: 0 takes a free one.
            extra: Further options of `server.mjs`, see docs/sandbox-medplum.md.

        Raises:
            EmbeddedMedplumError: Node is too old, or the server died; with the end of its log.

        """
        install()
        binary = node_binary()
        check_version(binary)
        options = [f"--port={port}", f"--conflicts={conflicts}", f"--latency={latency_ms}"]
        options += [f"--client-id={CLIENT_ID}", f"--client-secret={CLIENT_SECRET}"]
        options += [f"--data={data}"] if data is not None else []
        options += [f"--quota={quota}"] if quota is not None else []
        options += [f"--parent-pid={os.getpid()}", *extra]
        with log_path.open("a") as log:
            process = subprocess.Popen(
                [str(binary), str(NODE_ROOT / "server.mjs"), *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return cls(process, _await_ready(process, log_path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def reset(self) -> None:
        """Wipe all resources, counters, quotas and waiting faults; tokens stay valid."""
        self._control("POST", "__reset", {})

    def fault(self, **fault: object) -> None:
        """Arm a fault, e.g. `fault(status=503, times=2, match="Patient")` or `fault(after=True)`.

        Fields: status, times, every, retryAfter, match, matchBody, method, body, after, cut,
        disguised, delayMs, stale.
        """
        self._control("POST", "__fault", fault)

    def limit(self, **limits: float) -> None:
        """Change limits of the running server: quota, quotaWindowS, latencyMs."""
        self._control("POST", "__limit", limits)

    def heal(self) -> None:
        """Forget waiting faults and changed limits; resources and counters stay."""
        self._control("POST", "__heal", {})

    def stats(self) -> dict[str, Any]:
        """Return the counters since start or reset: requests, interactions, writes, quota."""
        return self._control("GET", "__stats", None)

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the server; calling it again does nothing."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _control(self, method: str, path: str, body: object | None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 because the URL is this server's own
            self.base_url + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 because as above
                return cast("dict[str, Any]", json.load(answer))
        except urllib.error.HTTPError as refused:
            with refused:
                message = f"{method} /{path} answered {refused.code}: {refused.read().decode()}"
            raise EmbeddedMedplumError(message) from None


def _await_ready(process: subprocess.Popen[str], log_path: Path) -> str:
    """Return the base URL that the server prints once it listens."""
    out = process.stdout
    line = ""
    if out is not None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not line and time.monotonic() < deadline and process.poll() is None:
            ready, _, _ = select.select([out], [], [], 0.2)
            line = out.readline() if ready else ""
    if line:
        return str(json.loads(line)["baseUrl"])
    process.kill()
    process.wait()
    if out is not None:
        out.close()
    tail = log_path.read_text()[-_LOG_TAIL:]
    message = f"the embedded Medplum did not start (exit code {process.returncode}):\n{tail}"
    raise EmbeddedMedplumError(message)
