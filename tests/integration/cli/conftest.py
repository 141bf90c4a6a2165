"""A clinic, a Medplum and a state file of each test's own, as an operator's shell has them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from medplum_migration.runtime.settings import Settings
from sandbox.clinic.database import create_clinic
from sandbox.medplum.server import EmbeddedMedplum


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMedplum]:
    """Start one embedded Medplum for this folder."""
    log = tmp_path_factory.mktemp("cli-medplum") / "server.log"
    with EmbeddedMedplum.start(log_path=log) as running:
        yield running


@pytest.fixture(scope="session")
def clinics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create the clinics once: of 20 patients for the pages, of 60 for a whole run."""
    folder = tmp_path_factory.mktemp("clinics")
    create_clinic(folder / "20.db", patients=20, seed=440, odd_share=0.3)
    create_clinic(folder / "60.db", patients=60, seed=3, odd_share=0.1)
    return folder


@pytest.fixture
def medplum(server: EmbeddedMedplum) -> EmbeddedMedplum:
    """Return the server, wiped."""
    server.reset()
    return server


@pytest.fixture
def shell(medplum: EmbeddedMedplum, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the environment of the pages; return the folder that the test works in."""
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.startswith(("AWS_", "MEDPLUM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MEDPLUM_BASE_URL", medplum.base_url)
    monkeypatch.setenv("MEDPLUM_CLIENT_ID", medplum.client_id)
    monkeypatch.setenv("MEDPLUM_CLIENT_SECRET", medplum.client_secret)
    monkeypatch.setenv("LEGACY_DSN", "sqlite:///clinic.db")
    monkeypatch.setenv("HASH_KEY", "key")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small_clinic(shell: Path, clinics: Path) -> None:
    """Put the clinic of 20 patients there."""
    shutil.copy(clinics / "20.db", shell / "clinic.db")


@pytest.fixture
def large_clinic(shell: Path, clinics: Path) -> None:
    """Put the clinic of 60 patients there."""
    shutil.copy(clinics / "60.db", shell / "clinic.db")
