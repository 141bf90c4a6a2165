"""Runs a built function under AWS's own runtime client and interface emulator, without Docker.

Only the function and the two layers are importable, as on AWS; the emulator of services, which has
packages of its own, would hide a missing one.

    python -m sandbox.aws.rie QuarantineFunction tests/events/quarantine.event.json
"""

import contextlib
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.aws.deployment import build
from sandbox.aws.tools import ROOT, ToolMissingError, tool

_TIMEOUT_S = 60.0
_URL = "http://{address}/2015-03-31/functions/function/invocations"


class Runtime:
    """One function, ready to be invoked."""

    def __init__(self, address: str) -> None:
        self._address = address

    def invoke(self, event: Any) -> Any:  # noqa: ANN401 because events are JSON
        """Send an event and return the answer, or Lambda's description of the error."""
        body = json.dumps(event).encode()
        request = urllib.request.Request(_URL.format(address=self._address), data=body)  # noqa: S310 because the URL is ours
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 as above
            return json.loads(response.read())


@contextlib.contextmanager
def runtime(function: str, environment: Mapping[str, str], log_path: Path) -> Iterator[Runtime]:
    """Start a function by its logical id, with nothing in its environment but what is given."""
    built = build().parent
    address, api = _free_address(), _free_address()
    command = [
        *(str(_emulator()), "--runtime-interface-emulator-address", address),
        *("--runtime-api-address", api),
        *(str(tool("rie", "python")), "-m", "awslambdaric", "app.handler"),
    ]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=built / function,
            env={**_base_environment(built, function), **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(address)
        yield Runtime(address)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _base_environment(built: Path, function: str) -> dict[str, str]:
    layers = (built / "DependenciesLayer" / "python", built / "SharedLayer" / "python")
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, (built / function, *layers))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }


def _emulator() -> Path:
    processor = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    name = f"aws-lambda-rie-{processor}"
    found = list(
        (ROOT / ".tools/sam").glob(f"lib/python3*/site-packages/samcli/local/rapid/{name}")
    )
    if not found:
        raise ToolMissingError(ROOT / ".tools/sam" / name)
    return found[0]


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _wait_for(address: str) -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def main() -> None:
    """Invoke a function with an event file; settings come from this process's environment."""
    function, event = sys.argv[1:]
    log_path = ROOT / ".aws-sam" / "rie.log"
    with runtime(function, os.environ, log_path) as invoked:
        answer = invoked.invoke(json.loads(Path(event).read_text()))
    sys.stdout.write(f"{log_path.read_text()}\n{json.dumps(answer, indent=2)}\n")


if __name__ == "__main__":
    main()
