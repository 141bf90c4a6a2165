"""The contract of port `LegacyStore`, on the adapter in memory and on three real databases."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import pytest
import sqlalchemy as sa

from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.capture_tables import OUTBOX, VERSIONS
from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.adapters.sql_capture import SqlCapture
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.mapping.source import Source
from medplum_migration.ports.legacy import LegacyStore
from tests.contract.legacy_databases import BIGINT, SQL, TEXT, empty_database

NUMBERS, TEXTS = "numbers", "texts"
_SCHEMA = sa.MetaData()
_TABLES = {  # reserved words and odd spellings on purpose
    NUMBERS: sa.Table(
        "group",
        _SCHEMA,
        sa.Column("Key No", BIGINT, primary_key=True, autoincrement=False),
        sa.Column("range", BIGINT),
    ),
    TEXTS: sa.Table(
        "Odd `Name", _SCHEMA, sa.Column("key", TEXT, primary_key=True), sa.Column("range", BIGINT)
    ),
}


class Bench(Protocol):
    """A store under test, and a way to commit to what it reads."""

    @property
    def store(self) -> LegacyStore:
        """The store."""

    def commit(self, element: str, key: str, mark: int | None = 0) -> int:
        """Commit a row marked `mark`, or a deletion when it is None; return the version."""

    def uncaptured(self, element: str, key: str) -> None:
        """Commit a row that capture did not see."""


class MemoryBench:
    """The adapter in memory."""

    def __init__(self) -> None:
        self.store = MemoryLegacyStore(numeric=[NUMBERS])

    def commit(self, element: str, key: str, mark: int | None = 0) -> int:
        """Set a row."""
        return self.store.set(element, key, None if mark is None else {"range": mark})

    def uncaptured(self, element: str, key: str) -> None:
        """Set a row with version 0."""
        self.store.set(element, key, {"range": 0}, version=0)


class SqlBench:
    """The SQL adapter on one database; `during_read` runs between its two statements."""

    def __init__(self, dsn: str) -> None:
        self.during_read: Callable[[], object] | None = None
        self._writer, self._reader = snapshot_engine(dsn), snapshot_engine(dsn)
        _SCHEMA.create_all(self._writer)
        SqlCapture(self._writer, {}).install()
        sa.event.listen(self._reader, "before_cursor_execute", self._interrupt)
        sources = {e: Source(t.name, (t.c[0].name,), ("range",)) for e, t in _TABLES.items()}
        self.store = SqlLegacyStore(self._reader, sources)

    def commit(
        self, element: str, key: str, mark: int | None = 0, *, mark_version: bool = False
    ) -> int:
        """Write outbox and row in one transaction."""
        row = {"element": element, "record_key": key}
        with self._writer.begin() as connection:
            operation = "upsert" if mark is not None or mark_version else "delete"
            connection.execute(OUTBOX.insert().values(**row, operation=operation))
            of_record = VERSIONS.c.element == element, VERSIONS.c.record_key == key
            found = connection.scalar(sa.select(VERSIONS.c.version).where(*of_record))
            version = int(found or 0)
            self._write(connection, element, key, version if mark_version else mark)
        return version

    def uncaptured(self, element: str, key: str) -> None:
        """Write the row alone."""
        with self._writer.begin() as connection:
            self._write(connection, element, key, 0)

    def close(self) -> None:
        """Close all connections."""
        self._writer.dispose()
        self.store.close()

    def _write(self, connection: sa.Connection, element: str, key: str, mark: int | None) -> None:
        table, bound = _TABLES[element], int(key) if element == NUMBERS else key
        connection.execute(table.delete().where(table.c[0] == bound))
        if mark is not None:
            connection.execute(table.insert().values({table.c[0]: bound, "range": mark}))

    def _interrupt(self, _c: object, _cursor: object, statement: str, *_: object) -> None:
        if self.during_read and "medplum_version" in statement:
            action, self.during_read = self.during_read, None
            action()


@pytest.fixture(params=SQL)
def sql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBench]:
    """Offer the SQL adapter on each database."""
    with empty_database(request.param, tmp_path) as dsn, closing(SqlBench(dsn)) as bench:
        yield bench


@pytest.fixture(params=["memory", *SQL])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Offer each adapter."""
    if request.param == "memory":
        yield MemoryBench()
        return
    with empty_database(request.param, tmp_path) as dsn, closing(SqlBench(dsn)) as bench:
        yield bench


def seen(records: list[LegacyRecord]) -> list[tuple[str, int, Any]]:
    """Reduce records to key, version and mark (None when there is no row)."""
    return [(r.key, r.version, None if r.row is None else r.row["range"]) for r in records]


def test_read_keeps_the_order_asked_for(bench: Bench) -> None:
    """Records come as asked for, repeats and unknown keys included."""
    one, two = bench.commit(NUMBERS, "1", 10), bench.commit(NUMBERS, "2", 20)
    expected = [("2", two, 20), ("7", 0, None), ("1", one, 10), ("2", two, 20)]
    assert expected == seen(bench.store.read(NUMBERS, ["2", "7", "1", "2"]))


def test_version_is_the_last_commit_s(bench: Bench) -> None:
    """Each commit raises the version; a row that capture never saw has version 0."""
    bench.uncaptured(NUMBERS, "1")
    assert [("1", 0, 0)] == seen(bench.store.read(NUMBERS, ["1"]))
    first, second = bench.commit(NUMBERS, "1", 1), bench.commit(NUMBERS, "1", 2)
    assert first < second
    assert [("1", second, 2)] == seen(bench.store.read(NUMBERS, ["1"]))


def test_deletions_have_versions(bench: Bench) -> None:
    """A deleted record answers with its deletion's version, a re-inserted one with a higher."""
    bench.commit(NUMBERS, "1")
    deleted = bench.commit(NUMBERS, "1", None)
    assert [("1", deleted, None)] == seen(bench.store.read(NUMBERS, ["1"]))
    assert [] == bench.store.page(NUMBERS, after=None, upto=None, limit=5)
    born_again = bench.commit(NUMBERS, "1", 3)
    assert deleted < born_again
    assert [("1", born_again, 3)] == seen(bench.store.read(NUMBERS, ["1"]))


def test_numbers_are_paged_as_numbers(bench: Bench) -> None:
    """Pages follow the key column's order, from after `after` to `upto` itself, exactly once."""
    for key in ("100", "9", "-3", "10", "900011", "2"):
        bench.commit(NUMBERS, key)
    pages, after = [], None
    while page := bench.store.page(NUMBERS, after=after, upto="100", limit=2):
        pages.append([record.key for record in page])
        after = page[-1].key
    assert [["-3", "2"], ["9", "10"], ["100"]] == pages


def test_near_miss_texts_are_no_keys(bench: Bench) -> None:
    """A text that the key column would never give back is nobody's key."""
    bench.commit(NUMBERS, "7")
    near = ["07", " 7", "7 ", "+7", "7.0", "\u0667", "7_0", "", "x", str(2**63), "9" * 5000]
    assert [(key, 0, None) for key in near] == seen(bench.store.read(NUMBERS, near))


def test_text_keys_keep_their_letters(bench: Bench) -> None:
    """Case, accents, blanks inside, quotes and other scripts all tell keys apart."""
    keys = ["ABC", "abc", "abç", "a b", "a'b", 'a"b', "a%b", "a:b", "01", "1", "山田", "ß", "ss"]
    versions = {key: bench.commit(TEXTS, key, n) for n, key in enumerate(keys)}
    expected = [(key, versions[key], n) for n, key in enumerate(keys)]
    assert expected == seen(bench.store.read(TEXTS, keys))
    page = bench.store.page(TEXTS, after=None, upto=None, limit=99)
    assert sorted(keys) == [record.key for record in page]
    assert [("Abc", 0, None), ("abc ", 0, None)] == seen(bench.store.read(TEXTS, ["Abc", "abc "]))


def test_boundaries_partition_the_records(bench: Bench) -> None:
    """A boundary is the `size`-th key and its count, the last key when fewer, then nothing."""
    for key in ("5", "10", "15", "20", "25"):
        bench.commit(NUMBERS, key)
    assert ("15", 3) == bench.store.boundary(NUMBERS, after=None, size=3)
    assert ("25", 2) == bench.store.boundary(NUMBERS, after="15", size=3)
    assert bench.store.boundary(NUMBERS, after="25", size=3) is None


def test_count_and_columns(bench: Bench) -> None:
    """Deleted records do not count; columns are the table's."""
    for key in ("1", "2", "3"):
        bench.commit(NUMBERS, key)
    bench.commit(NUMBERS, "2", None)
    assert 2 == bench.store.count(NUMBERS)
    assert "range" in bench.store.columns(NUMBERS)


def test_many_keys_in_one_read(sql: SqlBench) -> None:
    """More keys than a statement takes are still one read of one snapshot."""
    version = sql.commit(NUMBERS, "1199", 5)
    records = seen(sql.store.read(NUMBERS, [str(n) for n in range(1200)]))
    assert (1200, ("1199", version, 5)) == (len(records), records[-1])


@pytest.mark.parametrize("call", ["read", "page"])
def test_a_commit_during_a_read_is_not_half_seen(sql: SqlBench, call: str) -> None:
    """A commit between the two statements of a read shows in neither row nor version."""
    before = sql.commit(NUMBERS, "1", 1)
    sql.store.read(NUMBERS, ["1"])
    sql.during_read = lambda: sql.commit(NUMBERS, "1", 2)
    calls = {
        "read": lambda: sql.store.read(NUMBERS, ["1"]),
        "page": lambda: sql.store.page(NUMBERS, after=None, upto=None, limit=1),
    }
    assert [("1", before, 1)] == seen(calls[call]())
    assert sql.during_read is None


def test_every_pair_read_was_committed(sql: SqlBench) -> None:
    """Beside a busy writer, each row comes with the version of the commit that wrote it."""
    stop, keys = threading.Event(), ["1", "2", "3"]
    committed: set[tuple[str, int, Any]] = {(key, 0, None) for key in keys}

    def write() -> None:
        n = 0
        while not stop.is_set():
            n, key, deletes = n + 1, keys[n % 3], n % 7 == 0
            version = sql.commit(NUMBERS, key, None if deletes else 0, mark_version=not deletes)
            committed.add((key, version, None if deletes else version))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        pairs = [pair for _ in range(60) for pair in seen(sql.store.read(NUMBERS, keys))]
        for _ in range(60):
            pairs += seen(sql.store.page(NUMBERS, after=None, upto=None, limit=9))
    finally:
        stop.set()
        writer.join()
    assert set() == set(pairs) - committed
    assert len(set(pairs)) > 5


@pytest.mark.parametrize("element", [NUMBERS, TEXTS])
def test_deletions_are_paged(bench: Bench, element: str) -> None:
    """Every record that is deleted now comes once with its deletion's version; others never."""
    gone = dict.fromkeys(("3", "1", "22"), 0)
    for key in ("1", "2", "3", "22", "5"):
        bench.commit(element, key)
    bench.commit(element, "5", None)
    for key in gone:
        gone[key] = bench.commit(element, key, None)
    bench.commit(element, "5")

    found: dict[str, int] = {}
    cursor: str | None = None
    while True:
        page, cursor = bench.store.deletions(element, after=cursor, limit=2)
        found |= {record.key: record.version for record in page if record.row is None}
        if cursor is None:
            break

    assert gone == found
