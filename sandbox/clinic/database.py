"""The clinic's database: a path or URL in, a filled database with capture out."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection

from legacy_store import sources
from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.sql_capture import SqlCapture
from medplum_migration.domain.errors import ConfigurationError
from sandbox.clinic.people import ODD_SHARE, people
from sandbox.clinic.schema import FACILITY, PATIENT_DATA, USERS, schema
from sandbox.clinic.staff import facility, staff

_BATCH = 1000
_MYSQL = ("SET SESSION sql_mode = ''",)
_SQLITE = (
    "PRAGMA busy_timeout = 30000",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA recursive_triggers = ON",
)


def clinic_url(path_or_url: str | Path) -> str:
    """Accept a file's path where a database URL is wanted."""
    text = str(path_or_url)
    return text if "://" in text else f"sqlite:///{text}"


def clinic_engine(path_or_url: str | Path) -> sa.Engine:
    """Make an engine for the clinic's own programs; the caller disposes of it.

    SQLite: readers and one writer at a time, who wait for each other. MySQL and MariaDB: no strict
    mode, as OpenEMR itself connects, so that zero dates are stored.
    """
    engine = snapshot_engine(clinic_url(path_or_url))
    settings = _SQLITE if engine.dialect.name == "sqlite" else _MYSQL

    @sa.event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        for setting in settings:
            cursor.execute(setting)
        cursor.close()

    return engine


@contextmanager
def write_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that will write; on SQLite take the write lock at once, or wait for it.

    A SQLite transaction that reads first and writes later fails if another one wrote in between.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def create_clinic(
    path_or_url: str | Path, *, patients: int, seed: int, odd_share: float = ODD_SHARE
) -> None:
    """Create the tables, fill those of patients, staff and the facility, and turn capture on.

    The first rows are older than capture: their version is 0. `odd_share` is the share of patients
    that no mapping should accept.

    Raises:
        ConfigurationError: the database holds a clinic already.

    """
    engine = clinic_engine(path_or_url)
    try:
        _create_tables(engine)
        tables = schema().tables
        source = islice(people(seed=seed, odd_share=odd_share), patients)
        with write_transaction(engine) as connection:
            connection.execute(tables[FACILITY].insert(), facility())
            connection.execute(tables[USERS].insert(), list(staff(seed=seed)))
            while batch := list(islice(source, _BATCH)):
                connection.execute(tables[PATIENT_DATA].insert(), batch)
        SqlCapture(engine, sources()).install()
    finally:
        engine.dispose()


def _create_tables(engine: sa.Engine) -> None:
    if sa.inspect(engine).has_table(PATIENT_DATA):
        reason = "the database holds a clinic already"
        raise ConfigurationError(reason, table=PATIENT_DATA)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with write_transaction(engine) as connection:
        schema().create_all(connection, checkfirst=False)
