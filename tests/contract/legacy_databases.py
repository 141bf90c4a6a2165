"""Empty databases for the contract of port `LegacyStore`: a file, and two servers."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.mysql import VARCHAR as MYSQL_VARCHAR

from legacy_store.connection import snapshot_engine
from tests.required import absent

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = (
    sa.String(64)
    .with_variant(MYSQL_VARCHAR(64, collation="utf8mb4_bin"), "mysql", "mariadb")
    .with_variant(sa.String(64, collation="C"), "postgresql")
)
"""Text that every database orders and compares by code point."""

_SERVERS = {
    "mariadb": "mysql://root@127.0.0.1:3306/",
    "postgresql": "postgresql://postgres@127.0.0.1:5432/postgres",
}
SQL = ["sqlite", *(pytest.param(name, marks=pytest.mark.integration) for name in _SERVERS)]
"""Names of the databases, to parametrize with."""


@contextmanager
def empty_database(name: str, folder: Path) -> Iterator[str]:
    """Offer the URL of an empty database; SQLite's is a file in WAL mode."""
    if name in _SERVERS:
        with _scratch(_SERVERS[name]) as dsn:
            yield dsn
        return
    with closing(sqlite3.connect(folder / "legacy.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    yield f"sqlite:///{folder / 'legacy.db'}"


@contextmanager
def _scratch(admin: str) -> Iterator[str]:
    """Make a database of its own on a server and drop it afterwards."""
    engine = snapshot_engine(admin).execution_options(isolation_level="AUTOCOMMIT")
    name = f"medplum_contract_{uuid4().hex[:12]}"
    charset = " CHARACTER SET utf8mb4" if engine.dialect.name == "mysql" else ""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}{charset}")
    except sa.exc.OperationalError:
        engine.dispose()
        absent("no database server on 127.0.0.1 that lets the tests in")
    try:
        yield sa.make_url(admin).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        engine.dispose()
