"""Starting and stopping: errors that say what to do, and no process left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.medplum.node import check_version
from sandbox.medplum.server import EmbeddedMedplum, EmbeddedMedplumError
from tests.integration.sandbox_medplum.fhir_client import Client, client_of, patient

pytestmark = pytest.mark.integration


def test_failed_start_shows_the_log(log_path: Path) -> None:
    """A server that dies at once is reported with the end of its log."""
    with pytest.raises(EmbeddedMedplumError, match="Unknown option '--bogus'"):
        EmbeddedMedplum.start(log_path=log_path, extra=["--bogus"])


@pytest.mark.parametrize(("version", "good"), [("v20.19.0", False), ("v22.18.0", True)])
def test_node_version_is_checked(tmp_path: Path, version: str, *, good: bool) -> None:
    """A Node that cannot load Medplum's packages is refused by name."""
    fake = tmp_path / "node"
    fake.write_text(f"#!/bin/sh\necho {version}\n")
    fake.chmod(0o755)
    if good:
        check_version(fake)
    else:
        with pytest.raises(EmbeddedMedplumError, match=f"Node is {version}"):
            check_version(fake)


def test_stop_twice_and_sigterm(log_path: Path) -> None:
    """The server ends at stop, and a second stop does nothing."""
    server = EmbeddedMedplum.start(log_path=log_path)
    server.stop()
    server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_server_ends_with_its_parent(log_path: Path) -> None:
    """A server whose parent was killed ends within a few seconds."""
    script = (
        "import sys, time; from pathlib import Path; "
        "from sandbox.medplum.server import EmbeddedMedplum; "
        "server = EmbeddedMedplum.start(log_path=Path(sys.argv[1])); "
        "print(server.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(  # noqa: S603 because it is this very Python
        [sys.executable, "-c", script, str(log_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.1)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def test_options_without_auth_and_validation(log_path: Path) -> None:
    """--no-auth lets everyone in, --no-validate stores what Medplum would refuse."""
    with EmbeddedMedplum.start(log_path=log_path, extra=["--no-auth", "--no-validate"]) as server:
        Client(server.base_url, None).made(patient("A", foo=1))


def test_no_body_is_logged(log_path: Path) -> None:
    """Nothing of a request's content reaches the log."""
    with EmbeddedMedplum.start(log_path=log_path) as server:
        client = client_of(server)
        client.call("POST", "/Patient", b'{"marked-content": ')
        client.call("POST", "/Patient", patient("marked-content", foo="marked-content"))
        client.call("GET", "/Patient?identifier=marked-content")
    assert "marked-content" not in log_path.read_text()
