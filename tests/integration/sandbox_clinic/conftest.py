"""Clinics to test on: one in a file, one on a MariaDB server."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from legacy_store.connection import snapshot_engine
from sandbox.clinic.database import clinic_engine, create_clinic
from tests.required import absent

_SERVER = "mysql://root@127.0.0.1:3306/"


@pytest.fixture
def mariadb_url() -> Iterator[str]:
    """Make a database of its own on the server and drop it afterwards."""
    name = f"medplum_clinic_{uuid4().hex[:12]}"
    admin = snapshot_engine(_SERVER)
    try:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    except sa.exc.OperationalError:
        admin.dispose()
        absent("no MariaDB on 127.0.0.1:3306 that lets root in")
    try:
        yield _SERVER + name
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        admin.dispose()


@pytest.fixture(params=["sqlite", "mariadb"])
def clinic_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Create a clinic of 100 patients on each database."""
    sqlite = str(tmp_path / "clinic.db")
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("mariadb_url")
    create_clinic(url, patients=100, seed=1, odd_share=0.1)
    return str(url)


@pytest.fixture
def clinic(clinic_url: str) -> Iterator[sa.Engine]:
    """Open that clinic."""
    engine = clinic_engine(clinic_url)
    yield engine
    engine.dispose()
