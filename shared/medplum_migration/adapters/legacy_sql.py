"""`LegacyStore` over a SQL database: rows of tables or views, versions from the outbox.

Row and version belong together, because capture writes a row's change and its outbox entry in one
transaction, and because each call here reads both in one transaction that sees one snapshot:

- PostgreSQL at REPEATABLE READ takes the snapshot at the first query of the transaction.
- MariaDB and MySQL (InnoDB) at REPEATABLE READ open a read view at the first consistent read;
  tables of engines without transactions (MyISAM) must not be used.
- SQLite fixes the snapshot at the first read after BEGIN: in WAL mode by the end mark of the log,
  in rollback mode by a shared lock that keeps writers from committing.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import VARCHAR as MYSQL_VARCHAR
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError
from sqlalchemy.sql.elements import quoted_name

from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import ConfigurationError, UnavailableError

Key: TypeAlias = int | str
_BIGINT_END = 2**63
_KEYS_IN_STATEMENT = 500  # SQLite before 3.32 takes 999 variables
_SNAPSHOT_LEVELS = frozenset({"REPEATABLE READ", "SERIALIZABLE"})
OUTBOX = sa.Table(
    "medplum_outbox",
    sa.MetaData(),
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("table_name", sa.String(64), nullable=False),
    sa.Column(
        "record_key",
        # Keys that differ only in case or accents are different records.
        sa.String(256).with_variant(
            MYSQL_VARCHAR(256, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
        ),
        nullable=False,
    ),
    sa.Column("operation", sa.String(6), nullable=False),
    sa.Index("medplum_outbox_record", "table_name", "record_key", "sequence"),
    sqlite_autoincrement=True,
)
"""One row per captured write, in the order of commit for each record."""


@dataclass(frozen=True, slots=True)
class SqlSource:
    """Where an element's records are: a table or view with a unique integer or text `key`.

    `columns` None reads all columns; `where` keeps only rows with these values (a table that holds
    several elements, told apart by a type column).
    """

    table: str
    key: str
    columns: tuple[str, ...] | None = None
    where: Mapping[str, Key] = field(default_factory=dict)


class SqlLegacyStore:
    """Reads records with the outbox sequence of their last captured write as version.

    Version 0 means never captured. Values come as JSON knows them, the same on every database:
    dates and times as ISO text with a blank (a zero date of MySQL stays `0000-00-00 00:00:00`),
    decimals as text, bytes as hexadecimal text. Rows whose key is NULL are no records. On databases
    other than SQLite the engine needs isolation level REPEATABLE READ, and `hide_parameters`.
    """

    def __init__(
        self, engine: sa.Engine, sources: Mapping[str, SqlSource], *, versions: sa.Table = OUTBOX
    ) -> None:
        self._engine = engine
        self._sources = sources
        self._versions = versions
        self._readers: dict[str, _Reader] = {}
        self._isolated = engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close the pooled connections."""
        self._engine.dispose()

    def read(self, element: str, keys: Sequence[str]) -> list[LegacyRecord]:
        """Read records by key; a text that is no key of the table has no row."""
        reader, wanted = self._reader(element), list(dict.fromkeys(keys))
        rows: dict[str, dict[str, Any]] = {}
        with self._snapshot(element) as connection:
            for some in _chunks(wanted):
                rows |= reader.rows(connection, reader.with_keys(some))
            versions = self._read_versions(connection, reader, wanted)
        return [LegacyRecord(key, versions.get(key, 0), rows.get(key)) for key in keys]

    def page(
        self, element: str, *, after: str | None, upto: str | None, limit: int
    ) -> list[LegacyRecord]:
        """Read existing records in key order."""
        reader = self._reader(element)
        query = reader.between(reader.select(), after=after, upto=upto)
        with self._snapshot(element) as connection:
            rows = reader.rows(connection, query.order_by(reader.key).limit(limit))
            versions = self._read_versions(connection, reader, list(rows))
        return [LegacyRecord(key, versions.get(key, 0), row) for key, row in rows.items()]

    def boundary(self, element: str, *, after: str | None, size: int) -> tuple[str, int] | None:
        """Find the key of the `size`-th record after `after`, by keyset."""
        reader = self._reader(element)
        keys = reader.between(sa.select(reader.key.label("k")), after=after, upto=None)
        ahead = keys.order_by(reader.key).limit(size).subquery("ahead")
        query = sa.select(sa.func.max(ahead.c.k), sa.func.count()).select_from(ahead)
        with self._snapshot(element) as connection:
            last, number = connection.execute(query).one()
        return (str(last), int(number)) if number else None

    def count(self, element: str) -> int:
        """Count the records that exist."""
        reader = self._reader(element)
        query = reader.between(sa.select(sa.func.count()), after=None, upto=None)
        with self._snapshot(element) as connection:
            return int(connection.execute(query).scalar_one())

    def columns(self, element: str) -> frozenset[str]:
        """Name the columns that the element's table has now; asks the catalogue each time."""
        with self._snapshot(element) as connection:
            return frozenset(_catalogue(connection, element, self._source(element)))

    def _source(self, element: str) -> SqlSource:
        if element not in self._sources:
            reason = "no legacy source for this element"
            raise ConfigurationError(reason, element=element)
        return self._sources[element]

    def _reader(self, element: str) -> "_Reader":
        if element not in self._readers:
            with self._snapshot(element) as connection:
                self._readers[element] = _reader(connection, element, self._source(element))
        return self._readers[element]

    def _read_versions(
        self, connection: sa.Connection, reader: "_Reader", keys: Sequence[str]
    ) -> dict[str, int]:
        outbox = self._versions.c
        # The length parts keys that differ in trailing blanks, which MySQL compares as equal.
        query = (
            sa.select(outbox.record_key, sa.func.max(outbox.sequence))
            .where(outbox.table_name == reader.source.table)
            .group_by(outbox.record_key, sa.func.length(outbox.record_key))
        )
        versions: dict[str, int] = {}
        for some in _chunks([key for key in keys if "\0" not in key]):
            found = connection.execute(query.where(outbox.record_key.in_(some)))
            versions |= {str(key): int(version) for key, version in found}
        return versions

    @contextmanager
    def _snapshot(self, element: str) -> Iterator[sa.Connection]:
        """Open a transaction that sees one snapshot; let no driver error out: it quotes rows."""
        try:
            with self._engine.connect() as connection:
                self._check_isolation(connection)
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN")  # the driver opens none for a SELECT
                yield connection
        except SQLAlchemyError as error:
            failure = type(error).__name__
        else:
            return
        self._raise_if_drifted(element)
        reason = "the legacy store did not answer"
        raise UnavailableError(reason, element=element, failure=failure) from None

    def _check_isolation(self, connection: sa.Connection) -> None:
        if not self._isolated:
            if connection.get_isolation_level() not in _SNAPSHOT_LEVELS:
                reason = "legacy engine below REPEATABLE READ: set its isolation_level"
                raise ConfigurationError(reason)
            self._isolated = True

    def _raise_if_drifted(self, element: str) -> None:
        """After a failed statement, tell a changed schema from a store that does not answer."""
        reader = self._readers.pop(element, None)
        try:
            with self._engine.connect() as connection:
                _reader(connection, element, self._source(element))
                if reader and not sa.inspect(connection).has_table(self._versions.name):
                    reason = "the outbox table is missing: install capture first"
                    raise ConfigurationError(reason, element=element)
        except SQLAlchemyError:
            return


@dataclass(frozen=True, slots=True)
class _Reader:
    """The queries of one element; `numeric` tells how its key column compares."""

    element: str
    source: SqlSource
    table: sa.TableClause
    columns: tuple[str, ...]
    numeric: bool

    @property
    def key(self) -> sa.ColumnElement[Any]:
        return self.table.c[self.source.key]

    def select(self) -> sa.Select[Any]:
        return sa.select(self.key, *(self.table.c[name] for name in self.columns))

    def between(
        self, query: sa.Select[Any], *, after: str | None, upto: str | None
    ) -> sa.Select[Any]:
        wanted: list[sa.ColumnElement[bool]] = [self.key.is_not(None)]
        wanted += [self.table.c[name] == value for name, value in self.source.where.items()]
        wanted += [self.key > self._bound(after)] if after is not None else []
        wanted += [self.key <= self._bound(upto)] if upto is not None else []
        return query.select_from(self.table).where(*wanted)

    def with_keys(self, texts: Sequence[str]) -> sa.Select[Any]:
        keys = [key for key in map(self._key, texts) if key is not None]
        return self.between(self.select(), after=None, upto=None).where(self.key.in_(keys))

    def rows(self, connection: sa.Connection, query: sa.Select[Any]) -> dict[str, dict[str, Any]]:
        found = [(str(key), values) for key, *values in connection.execute(query)]
        if any(one[0] == other[0] for one, other in pairwise(found)):
            reason = "the key column is not unique"
            raise ConfigurationError(reason, element=self.element)
        return {
            key: dict(zip(self.columns, map(_plain, values), strict=True)) for key, values in found
        }

    def _bound(self, text: str) -> Key:
        key = self._key(text)
        if key is None:
            reason = "a bound is not a key of this table"
            raise ConfigurationError(reason, element=self.element)
        return key

    def _key(self, text: str) -> Key | None:
        """Read a key as its column spells it: "07" is not 7, it is no key."""
        if not self.numeric:
            return None if "\0" in text else text
        number = int(text) if text.isascii() and text.removeprefix("-").isdigit() else _BIGINT_END
        return number if str(number) == text and -_BIGINT_END <= number < _BIGINT_END else None


def _reader(connection: sa.Connection, element: str, source: SqlSource) -> _Reader:
    types = _catalogue(connection, element, source)
    columns = source.columns if source.columns is not None else tuple(types)
    for name in (source.key, *source.where, *columns):
        if name not in types:
            reason = "the legacy table lacks a column"
            raise ConfigurationError(reason, element=element, table=source.table, column=name)
    numeric = isinstance(types[source.key], sa.Integer)
    if not numeric and not isinstance(types[source.key], sa.String):
        reason = "the key column is neither integer nor text"
        raise ConfigurationError(reason, element=element, table=source.table, column=source.key)
    # Untyped columns: SQLAlchemy's own reading of a date fails on a zero date. Columns of a table:
    # a quoted name that stands alone and is no column is a text to SQLite.
    key = _column(source.key, sa.BigInteger() if numeric else sa.String())
    others = map(_column, {*columns, *source.where} - {source.key})
    table = sa.table(quoted_name(source.table, quote=True), key, *others)
    return _Reader(element, source, table, columns, numeric)


def _catalogue(connection: sa.Connection, element: str, source: SqlSource) -> dict[str, Any]:
    try:
        columns = sa.inspect(connection).get_columns(source.table)
    except NoSuchTableError:
        reason = "the legacy table is missing"
        raise ConfigurationError(reason, element=element, table=source.table) from None
    return {str(column["name"]): column["type"] for column in columns}


def _column(name: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.ColumnClause[Any]:
    return sa.column(quoted_name(name, quote=True), kind)


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_IN_STATEMENT):
        yield keys[start : start + _KEYS_IN_STATEMENT]


def _plain(value: object) -> object:
    match value:
        case dt.datetime():
            return value.isoformat(sep=" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case bytes() | memoryview():
            return value.hex()
        case Decimal() | UUID() | dt.timedelta():
            return str(value)
        case _:
            return value
