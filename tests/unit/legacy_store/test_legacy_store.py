"""Sources from mappings, and engines from database URLs."""

from dataclasses import dataclass

import pytest

from data_elements import MAPPINGS
from legacy_store import sources
from legacy_store.connection import snapshot_engine
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.source import Source


@dataclass(frozen=True)
class Mapped:
    """What a mapping says of its tables."""

    element: str
    source: Source


def test_sources_are_those_of_the_mappings() -> None:
    """Each element is read from where its mapping says."""
    source = Source("patient_data", ("pid",), ("DOB", "pid", "sex"))
    assert {"patients": source} == sources([Mapped("patients", source)])


def test_the_project_s_own_mappings_have_sources() -> None:
    """Without an argument, the sources are those of all registered data elements."""
    assert {mapping.element for mapping in MAPPINGS} == set(sources())


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
