"""The example's README: its commands migrate, without AWS, into a Medplum server."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.aws.tools import ROOT
from sandbox.medplum.node import NODE_ROOT
from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.synthea.test_rows import COUNTS
from tests.required import absent

pytestmark = pytest.mark.integration

_README = ROOT / "examples/synthea/README.md"
_LOOP = re.compile(r"for element in (.*?); do", re.DOTALL)
_SOME = (
    *("organizations", "locations", "practitioners", "patients", "encounters"),
    "observation_panels",
)


@pytest.fixture
def medplum(tmp_path: Path) -> Iterator[EmbeddedMedplum]:
    """Start a Medplum server of this test's own."""
    if not (NODE_ROOT / "node_modules").is_dir():
        absent("the embedded Medplum is not installed; run `make setup`")
    with EmbeddedMedplum.start(log_path=tmp_path / "medplum.log") as running:
        yield running


@pytest.fixture
def environment(medplum: EmbeddedMedplum) -> dict[str, str]:
    """Build the environment of an operator's shell."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MEDPLUM_BASE_URL": medplum.base_url,
        "MEDPLUM_CLIENT_ID": medplum.client_id,
        "MEDPLUM_CLIENT_SECRET": medplum.client_secret,
    }


def test_all_elements_are_named() -> None:
    """The loop of the README moves every element."""
    named = _LOOP.search(_README.read_text())
    assert named
    assert list(COUNTS) == named[1].replace("\\", "").split()


def test_commands(synthea: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """The commands, for some elements, end with 0, and `reconcile` finds no difference."""
    settings, commands = re.findall(r"```sh\n(.*?)```", _README.read_text(), re.DOTALL)
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "shared").symlink_to(synthea.parents[1])
    script = "\n".join(
        (
            "set -eu",
            settings.replace("$PWD", str(ROOT)),
            _LOOP.sub(f"for element in {' '.join(_SOME)}; do", commands),
        )
    )
    done = subprocess.run(  # noqa: S603 because the script is the README's
        ["bash", "-c", script],  # noqa: S607 because a README speaks to a shell
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    matches = re.findall(r"^match +(\d+)", done.stdout, re.MULTILINE)
    assert [COUNTS[element] for element in _SOME] == list(map(int, matches))
