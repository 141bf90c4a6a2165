"""A clinic of visits for the contract of port `LegacyStore`, and what reads it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.capture_tables import OUTBOX
from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.adapters.sql_capture import SqlCapture
from medplum_migration.mapping.source import Children, Join, Source
from tests.contract.legacy_databases import BIGINT, TEXT

VISITS = "visits"
_SCHEMA = sa.MetaData()
_ROWS: dict[str, tuple[list[sa.Column[Any]], list[tuple[Any, ...]]]] = {
    "visit": (
        [
            sa.Column("id", BIGINT, primary_key=True, autoincrement=False),
            sa.Column("kind", TEXT), sa.Column("provider", BIGINT), sa.Column("supervisor", BIGINT),
            sa.Column("note", TEXT), sa.Column("desk", TEXT), sa.Column("day", sa.Date()),
        ],
        [
            (1, "home", 10, 20, "a", "10", None),
            (2, "clinic", 10, None, "", "12abc", None),
            (3, "phone", 99, 10, None, "010", None),
            (4, "home", 20, 20, " ", None, None),
        ],
    ),
    "user": (
        [
            sa.Column("id", BIGINT, primary_key=True, autoincrement=False),
            sa.Column("name", TEXT), sa.Column("facility", TEXT), sa.Column("active", BIGINT),
        ],
        [(10, "ann", "F1", 1), (20, "bo", None, 1), (12, "cy", "F2", 0)],
    ),
    "facility": (
        [sa.Column("code", TEXT, primary_key=True), sa.Column("city", TEXT)],
        [("F1", "Oslo"), ("F2", "Bergen")],
    ),
    "code": (
        [
            sa.Column("visit", BIGINT), sa.Column("kind", TEXT), sa.Column("rank", BIGINT),
            sa.Column("code", TEXT), sa.Column("day", sa.Date()),
        ],
        [
            (1, "home", 2, "b", dt.date(2024, 2, 29)),
            (1, "home", 1, "c", None), (1, "phone", 0, "x", None),
            (2, "clinic", 5, "", None), (2, "clinic", 6, "z", None), (7, "home", 1, "q", None),
        ],
    ),
}  # fmt: skip
TABLES = {name: sa.Table(name, _SCHEMA, *columns) for name, (columns, _) in _ROWS.items()}
PROVIDER = Join("user", on={"id": "provider"}, columns={"provider_name": "name"})
CODES = Children("codes", "code", on={"visit": "id"}, columns=("code",), order_by=("rank",))


class Clinic:
    """A filled database, and the rows that a source reads from it."""

    def __init__(self, dsn: str) -> None:
        self.engine, self._readers = snapshot_engine(dsn), snapshot_engine(dsn)
        self.statements: list[str] = []
        self.during_read: dict[str, Callable[[], object]] = {}
        _SCHEMA.create_all(self.engine)
        SqlCapture(self.engine, {}).install()
        with self.engine.begin() as connection:
            for name, (_, rows) in _ROWS.items():
                connection.execute(TABLES[name].insert().values(rows))
        sa.event.listen(self._readers, "before_cursor_execute", self._noticed)

    def store(self, source: Source) -> SqlLegacyStore:
        """Open a store of that source."""
        return SqlLegacyStore(self._readers, {VISITS: source})

    def rows(self, source: Source) -> dict[str, Any]:
        """Page through all records by two, check all calls against each other; rows by key."""
        store, pages = self.store(source), []
        after: str | None = None
        while page := store.page(VISITS, after=after, upto=None, limit=2):
            pages += page
            assert (page[-1].key, len(page)) == store.boundary(VISITS, after=after, size=2)
            after = page[-1].key
        assert store.boundary(VISITS, after=after, size=2) is None
        assert len(pages) == store.count(VISITS) == len({record.key for record in pages})
        assert pages == store.read(VISITS, [record.key for record in pages])
        return {record.key: record.row for record in pages}

    def capture(self, key: str, operation: str = "upsert") -> None:
        """Commit an outbox row of a visit."""
        with self.engine.begin() as connection:
            row = {"element": VISITS, "record_key": key, "operation": operation}
            connection.execute(OUTBOX.insert().values(row))

    def write(self, statement: str) -> None:
        """Commit a statement of the legacy application."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._readers.dispose()

    def _noticed(self, _c: object, _cursor: object, statement: str, *_: object) -> None:
        self.statements.append(statement)
        for part in [part for part in self.during_read if part in statement]:
            self.during_read.pop(part)()


def visits(*columns: str, **more: Any) -> Source:
    """Declare a source of visits."""
    return Source("visit", ("id",), columns, **more)
