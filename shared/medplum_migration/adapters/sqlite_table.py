"""A document table in one SQLite file, for runs without AWS; several processes may share it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from medplum_migration.adapters.table import Body, Item
from medplum_migration.domain.errors import ConflictError, UnavailableError

_LAST = "\U0010ffff"


class SqliteTable:
    """A `Table` named `name` in the database of `engine`; make it with `open`."""

    def __init__(self, engine: sa.Engine, name: str, *, page_size: int = 500) -> None:
        self._engine = engine
        self._table = t = sa.Table(
            name,
            sa.MetaData(),
            sa.Column("pk", sa.Text, primary_key=True),
            sa.Column("sk", sa.Text, primary_key=True),
            sa.Column("major", sa.Integer, nullable=False),
            sa.Column("minor", sa.Integer, nullable=False),
            sa.Column("body", sa.Text, nullable=False),
            sqlite_with_rowid=False,
        )
        self._page_size = page_size
        self._order = sa.tuple_(t.c.major, t.c.minor)
        with self._writing() as connection:
            t.create(connection, checkfirst=True)

    @classmethod
    def open(cls, path: Path, name: str, *, wait_s: float = 10.0, page_size: int = 500) -> Self:
        """Open or create the table in a file; wait for other writers up to `wait_s` seconds."""
        url = sa.URL.create("sqlite", database=str(path))
        engine = sa.create_engine(url, connect_args={"timeout": wait_s}, hide_parameters=True)
        sa.event.listen(engine, "connect", _configure)
        sa.event.listen(engine, "begin", _begin)
        return cls(engine, name, page_size=page_size)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def get(self, pk: str, sk: str) -> Item | None:
        """Read one item."""
        with self._reading() as connection:
            return self._read(connection, pk, sk)

    def put(self, pk: str, sk: str, body: Body, *, expected_revision: int) -> Item:
        """Store a document over the revision that was read."""
        item = Item(pk, sk, body, (expected_revision + 1, 0))
        with self._writing() as connection:
            if expected_revision:
                statement = sa.update(self._table).where(*self._at(pk, sk, expected_revision))
                _expect_one(connection.execute(statement.values(_row(item))))
            else:
                self._insert(connection, item)
        return item

    def put_if_newer(self, items: Sequence[Item]) -> list[Item | None]:
        """Store items whose order is not below the stored one, in one transaction."""
        with self._writing() as connection:
            return [self._put_newer(connection, item) for item in items]

    def delete(self, pk: str, sk: str, *, expected_revision: int) -> None:
        """Remove the item at the revision that was read."""
        statement = sa.delete(self._table).where(*self._at(pk, sk, expected_revision))
        with self._writing() as connection:
            _expect_one(connection.execute(statement))

    def query(self, pk: str, *, sk_prefix: str = "") -> Iterator[Item]:
        """Read the items of one partition by `sk`, page by page."""
        t = self._table.c
        return self._pages(t.pk == pk, t.sk >= sk_prefix, t.sk < sk_prefix + _LAST)

    def scan(self, *, pk_prefix: str) -> Iterator[Item]:
        """Read all items of all partitions whose `pk` starts so."""
        t = self._table.c
        return self._pages(t.pk >= pk_prefix, t.pk < pk_prefix + _LAST)

    def _pages(self, *where: sa.ColumnElement[bool]) -> Iterator[Item]:
        t = self._table.c
        statement = sa.select(self._table).where(*where).order_by(t.pk, t.sk)
        page = self._page(statement)
        while page:
            yield from page
            last = sa.tuple_(t.pk, t.sk) > sa.tuple_(page[-1].pk, page[-1].sk)
            page = self._page(statement.where(last)) if len(page) == self._page_size else []

    def _page(self, statement: sa.Select[Any]) -> list[Item]:
        with self._reading() as connection:
            return [_item(row) for row in connection.execute(statement.limit(self._page_size))]

    def _read(self, connection: sa.Connection, pk: str, sk: str) -> Item | None:
        t = self._table.c
        statement = sa.select(self._table).where(t.pk == pk, t.sk == sk)
        row = connection.execute(statement).one_or_none()
        return None if row is None else _item(row)

    def _insert(self, connection: sa.Connection, item: Item) -> None:
        try:
            connection.execute(sa.insert(self._table).values(_row(item)))
        except IntegrityError:
            raise _conflict() from None

    def _put_newer(self, connection: sa.Connection, item: Item) -> Item | None:
        held = self._read(connection, item.pk, item.sk)
        if held is None or held.order <= item.order:
            row = _row(item)
            upsert = insert(self._table).values(row)
            connection.execute(upsert.on_conflict_do_update(index_elements=["pk", "sk"], set_=row))
        return held

    def _at(self, pk: str, sk: str, revision: int) -> tuple[sa.ColumnElement[bool], ...]:
        t = self._table.c
        return t.pk == pk, t.sk == sk, t.major == revision

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _database_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        writer = self._engine.execution_options(takes_write_lock=True)
        with _database_errors(), writer.begin() as connection:
            yield connection


def _configure(connection: Any, _record: object) -> None:  # noqa: ANN401 because DB-API has no type
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin(connection: sa.Connection) -> None:
    takes_write_lock = connection.get_execution_options().get("takes_write_lock")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if takes_write_lock else "BEGIN")


@contextmanager
def _database_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = "the database file does not answer"
        raise UnavailableError(reason, code=type(error).__name__) from None


def _expect_one(result: sa.CursorResult[Any]) -> None:
    if result.rowcount != 1:
        raise _conflict()


def _conflict() -> ConflictError:
    return ConflictError("another worker stored this item")


def _row(item: Item) -> dict[str, Any]:
    major, minor = item.order
    body = json.dumps(item.body)
    return {"pk": item.pk, "sk": item.sk, "major": major, "minor": minor, "body": body}


def _item(row: sa.Row[Any]) -> Item:
    return Item(row.pk, row.sk, json.loads(row.body), (row.major, row.minor))
