"""The conformance probe: the same answers as a real server gave, line by line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.medplum.server import EmbeddedMedplum

pytestmark = pytest.mark.integration
PROBES = Path(__file__).resolve().parents[4] / "shared" / "probes"
NAME_WIDTH = 48

ALLOWED = {
    "token": "the recorded line was shortened by hand to the keys that matter",
    "20 concurrent cond PUTs same identifier": "one request at a time: no natural conflicts (409)",
}


def _normal(line: str, base_url: str) -> str:
    """Take out what differs between two runs of one server."""
    line = line.replace(base_url, "BASE/")
    line = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", line)
    line = re.sub(r"ab[0-9a-f]{5,6}\b", "abXXXXXX", line)
    return re.sub(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "DATE", line).rstrip()


def _by_check(lines: list[str]) -> dict[str, str]:
    """Return the answers by check; an indented line belongs to the check above it."""
    answers: dict[str, str] = {}
    name = ""
    for line in lines:
        if line.startswith(" "):
            answers[name] += "\n" + line.strip()
        else:
            name = line[:NAME_WIDTH].strip()
            answers[name] = line[NAME_WIDTH:].strip()
    return answers


@pytest.mark.skipif(not PROBES.is_dir(), reason="the probe lies beside the repository, not in it")
def test_probe_answers_as_the_real_server(log_path: Path) -> None:
    """Every check but the named ones is answered alike, and the named ones still differ."""
    recorded = (PROBES / "fhir_probe.medplum-5.0.10.txt").read_text().splitlines()
    with EmbeddedMedplum.start(log_path=log_path, extra=["--transactions"]) as server:
        port = server.base_url.rstrip("/").rpartition(":")[2]
        command = [sys.executable, str(PROBES / "fhir_probe.py"), port]
        command += [server.client_id, server.client_secret]
        run = subprocess.run(  # noqa: S603 because it is this very Python
            command, capture_output=True, text=True, check=True, timeout=60
        )
        answered = [_normal(line, server.base_url) for line in run.stdout.splitlines()]
    expected = _by_check([_normal(line, "BASE/") for line in recorded])
    actual = _by_check(answered)
    assert list(expected) == list(actual)
    differing = {name for name, answer in expected.items() if answer != actual[name]}
    assert set(ALLOWED) == differing, {
        name: (expected[name], actual[name]) for name in differing ^ set(ALLOWED)
    }
