"""What the SQL legacy store does on SQLite with schemas that are missing, wrong, or change."""

import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.adapters.sql_capture import SqlCapture
from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.mapping.source import Source

ELEMENT = "problems"
_LISTS = "CREATE TABLE lists (id INTEGER PRIMARY KEY, type TEXT, title TEXT, at DATETIME, raw BLOB)"
_ROWS = (
    "INSERT INTO lists VALUES (1, 'problem', 'a', '0000-00-00 00:00:00', x'00ff'),"
    " (2, 'allergy', 'b', '2024-02-30', NULL), (3, 'problem', '', NULL, NULL)"
)
Open = Callable[[Source], SqlLegacyStore]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Make a database whose table holds several elements."""
    path = tmp_path / "legacy.db"
    engine = snapshot_engine(f"sqlite:///{path}")
    SqlCapture(engine, {}).install()
    engine.dispose()
    execute(path, _LISTS, _ROWS)
    return path


@pytest.fixture
def open_store(database: Path) -> Iterator[Open]:
    """Open stores on that database and close them afterwards."""
    stores: list[SqlLegacyStore] = []

    def opened(source: Source) -> SqlLegacyStore:
        engine = snapshot_engine(f"sqlite:///{database}")
        stores.append(SqlLegacyStore(engine, {ELEMENT: source}))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


def execute(path: Path, *statements: str) -> None:
    """Run statements as the legacy application."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_values_come_as_json_knows_them(open_store: Open) -> None:
    """Zero dates and impossible dates pass as text, bytes as hexadecimal text."""
    store = open_store(Source("lists", ("id",)))
    first, second = store.read(ELEMENT, ["1", "2"])
    expected = {
        "id": 1, "type": "problem", "title": "a", "at": "0000-00-00 00:00:00", "raw": "00ff",
    }  # fmt: skip
    assert expected == first.row
    assert second.row is not None
    assert ("2024-02-30", None) == (second.row["at"], second.row["raw"])


def test_conditions_keep_other_elements_out(open_store: Open) -> None:
    """A table that holds several elements shows only the rows of this one, everywhere."""
    store = open_store(Source("lists", ("id",), ("title",), where={"type": "problem"}))
    assert ["1", "3"] == [r.key for r in store.page(ELEMENT, after=None, upto=None, limit=9)]
    assert (2, ("3", 2)) == (store.count(ELEMENT), store.boundary(ELEMENT, after=None, size=9))
    assert [None, {"title": ""}] == [r.row for r in store.read(ELEMENT, ["2", "3"])]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (Source("nothing", ("id",)), "the legacy table is missing"),
        (Source("lists", ("pid",)), "the legacy table lacks a column"),
        (Source("lists", ("id",), ("name",)), "the legacy table lacks a column"),
        (Source("lists", ("id",), where={"kind": 1}), "the legacy table lacks a column"),
        (Source("lists", ()), "the source names no key column"),
        (Source("lists", ("raw",)), "the key column is neither integer nor text"),
        (Source("lists", ("id", "raw")), "the key column is neither integer nor text"),
        (Source("lists", ("type",), ("title",)), "the key column is not unique"),
    ],
)
def test_wrong_declarations_are_named(open_store: Open, source: Source, reason: str) -> None:
    """A source that does not fit the database is a configuration error."""
    with pytest.raises(ConfigurationError, match=reason):
        open_store(source).page(ELEMENT, after=None, upto=None, limit=9)


def test_unknown_elements_are_named(open_store: Open) -> None:
    """An element without a source is a configuration error."""
    with pytest.raises(ConfigurationError, match="no legacy source"):
        open_store(Source("lists", ("id",))).columns("allergies")


def test_bounds_must_be_keys(open_store: Open) -> None:
    """A page cannot begin at a text that the key column cannot hold."""
    with pytest.raises(ConfigurationError, match="a bound is not a key"):
        open_store(Source("lists", ("id",))).page(ELEMENT, after="x", upto=None, limit=9)


def test_a_dropped_column_is_noticed(open_store: Open, database: Path) -> None:
    """When the schema changes under a running store, it says so, and recovers with the schema."""
    store = open_store(Source("lists", ("id",), ("title",)))
    store.read(ELEMENT, ["1"])
    execute(database, "ALTER TABLE lists RENAME COLUMN title TO name")
    assert {"id", "type", "name", "at", "raw"} == store.columns(ELEMENT)
    with pytest.raises(ConfigurationError, match="lacks a column"):
        store.read(ELEMENT, ["1"])
    execute(database, "ALTER TABLE lists RENAME COLUMN name TO title")
    assert [{"title": "a"}] == [r.row for r in store.read(ELEMENT, ["1"])]


def test_before_capture_every_version_is_zero(open_store: Open, database: Path) -> None:
    """A store without capture can be planned and profiled; nothing of it was ever captured."""
    store = open_store(Source("lists", ("id",)))
    execute(database, "DROP TABLE medplum_version")

    assert {0} == {record.version for record in store.read(ELEMENT, ["1", "2"])}
    assert ([], None) == store.deletions(ELEMENT, after=None, limit=9)


def test_versions_that_vanish_are_noticed(open_store: Open, database: Path) -> None:
    """Once versions were there, a store without them reads nothing."""
    store = open_store(Source("lists", ("id",)))
    store.read(ELEMENT, ["1"])
    execute(database, "DROP TABLE medplum_version")
    with pytest.raises(ConfigurationError, match="install capture again"):
        store.read(ELEMENT, ["1"])


def test_errors_hide_what_was_asked(open_store: Open, database: Path) -> None:
    """A store that does not answer raises a transient error without keys and without a chain."""
    store = open_store(Source("lists", ("id",)))
    store.read(ELEMENT, ["1"])
    store.close()
    database.write_bytes(b"no database" * 1000)
    key = str(10**9 + 7)
    with pytest.raises(UnavailableError) as caught:
        store.read(ELEMENT, [key])
    told = "".join(traceback.format_exception(caught.value))
    assert key not in told
    assert "sqlite3" not in told


def test_engines_without_snapshots_are_refused(open_store: Open) -> None:
    """A level below REPEATABLE READ would tear rows from versions."""
    store = open_store(Source("lists", ("id",)))
    engine = sa.create_engine("sqlite://", isolation_level="READ UNCOMMITTED")
    engine.dialect.name = "postgresql"
    with pytest.raises(ConfigurationError, match="below REPEATABLE READ"):
        SqlLegacyStore(engine, {ELEMENT: Source("lists", ("id",))}).count(ELEMENT)
    engine.dispose()
    assert 3 == store.count(ELEMENT)
