"""A clinic in a file, a Medplum that is away, and no other setting."""

import os
from pathlib import Path

import pytest

from medplum_migration.runtime.settings import Settings
from sandbox.clinic.database import create_clinic


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point every setting at this test's own files, and Medplum at nobody."""
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.startswith(("AWS_", "MEDPLUM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("MEDPLUM_BASE_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("MEDPLUM_CLIENT_ID", "id")
    monkeypatch.setenv("MEDPLUM_CLIENT_SECRET", "secret")
    monkeypatch.setenv("LEGACY_DSN", f"sqlite:///{tmp_path / 'clinic.db'}")
    monkeypatch.setenv("HASH_KEY", "key")
    monkeypatch.setenv("MEDPLUM_MIGRATE_LOCAL", str(tmp_path / "state.db"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def clinic(tmp_path: Path) -> None:
    """Create a clinic of 20 patients, some of them odd."""
    create_clinic(tmp_path / "clinic.db", patients=20, seed=3, odd_share=0.3)
