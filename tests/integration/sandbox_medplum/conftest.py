"""One embedded Medplum for the whole run, wiped before each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.sandbox_medplum.fhir_client import Client, client_of


@pytest.fixture(scope="session")
def medplum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMedplum]:
    """Start a server with the defaults of a fresh project."""
    log = tmp_path_factory.mktemp("medplum") / "server.log"
    with EmbeddedMedplum.start(log_path=log, extra=["--client=other:secret"]) as server:
        yield server


@pytest.fixture
def client(medplum: EmbeddedMedplum) -> Client:
    """Return a client of the wiped server."""
    medplum.reset()
    return client_of(medplum)


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    """Return where a test's own server may log."""
    return tmp_path / "server.log"
