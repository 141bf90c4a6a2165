"""The slim definitions are those of the pinned package."""

import gzip
import subprocess
from pathlib import Path

import pytest

from sandbox.medplum.node import NODE_ROOT, install, node_binary
from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.sandbox_medplum.fhir_client import client_of, patient

pytestmark = pytest.mark.integration


def test_committed_definitions_are_current(tmp_path: Path) -> None:
    """The script makes the committed file again from the npm package."""
    install()
    made = tmp_path / "definitions.json.gz"
    script = [str(node_binary()), str(NODE_ROOT / "slim-definitions.mjs"), str(made)]
    subprocess.run(script, check=True, cwd=NODE_ROOT)  # noqa: S603 because it is our own script
    committed = (NODE_ROOT / "definitions.json.gz").read_bytes()
    assert gzip.decompress(committed) == gzip.decompress(made.read_bytes())


def test_lock_file_names_no_registry() -> None:
    """The lock pins by integrity, so that any registry can serve it."""
    lock = (NODE_ROOT / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert "5.2.13" in lock


def test_us_core_profiles_can_be_loaded(log_path: Path) -> None:
    """With --uscore the profiles that Medplum ships are enforced."""
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"
    with EmbeddedMedplum.start(log_path=log_path, extra=["--uscore"]) as server:
        client = client_of(server)
        good = patient("A", meta={"profile": [profile]})
        client.made(good)
        del good["gender"]
        assert 400 == client.call("POST", "/Patient", good).status
