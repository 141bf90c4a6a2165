"""Sources from mappings, and engines from database URLs."""

from dataclasses import dataclass

import pytest

from legacy_store import sources
from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.legacy_reader import SqlSource
from medplum_migration.domain.errors import ConfigurationError


@dataclass(frozen=True)
class Mapped:
    """What a mapping says of its table."""

    element: str
    table: str
    key: str
    columns_read: frozenset[str]


def test_sources_are_what_mappings_read() -> None:
    """Each element reads its mapping's columns, in a stable order, and no others."""
    mapped = Mapped("patients", "patient_data", "pid", frozenset({"sex", "DOB", "pid"}))
    expected = {"patients": SqlSource("patient_data", "pid", ("DOB", "pid", "sex"))}
    assert expected == sources([mapped])


@pytest.mark.parametrize(
    ("dsn", "driver"),
    [
        ("sqlite:///legacy.db", "sqlite"),
        ("mysql://root@127.0.0.1/clinic", "mysql+pymysql"),
        ("mariadb://root@127.0.0.1/clinic", "mariadb+pymysql"),
        ("postgres://root@127.0.0.1/clinic", "postgresql+psycopg"),
        ("postgresql+psycopg2://root@127.0.0.1/clinic", "postgresql+psycopg"),
    ],
)
def test_urls_get_their_drivers(dsn: str, driver: str) -> None:
    """A URL need not name the driver; engines never show parameters in errors."""
    engine = snapshot_engine(dsn)
    assert (driver, True) == (engine.url.drivername, engine.hide_parameters)
    engine.dispose()


@pytest.mark.parametrize("dsn", ["", "clinic", "oracle://secret@host/clinic"])
def test_other_urls_are_refused(dsn: str) -> None:
    """What is not the URL of a known database is a configuration error that does not quote it."""
    with pytest.raises(ConfigurationError) as caught:
        snapshot_engine(dsn)
    assert "secret" not in str(caught.value)
