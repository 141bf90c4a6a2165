"""How one element is read from a SQL database: its source in, the queries of its rows out."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.sql.elements import quoted_name

from medplum_migration.domain.errors import ConfigurationError

Key: TypeAlias = int | str
_BIGINT_END = 2**63


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


@dataclass(frozen=True, slots=True)
class Reader:
    """The queries of one element; `numeric` tells how its key column compares."""

    element: str
    source: SqlSource
    table: sa.TableClause
    columns: tuple[str, ...]
    numeric: bool

    @property
    def key(self) -> sa.ColumnElement[Any]:
        """The key column."""
        return self.table.c[self.source.key]

    def select(self) -> sa.Select[Any]:
        """Read the key and all columns."""
        return sa.select(self.key, *(self.table.c[name] for name in self.columns))

    def between(
        self, query: sa.Select[Any], *, after: str | None, upto: str | None
    ) -> sa.Select[Any]:
        """Restrict a query to the element's records with keys in (`after`, `upto`]."""
        wanted: list[sa.ColumnElement[bool]] = [self.key.is_not(None)]
        wanted += [self.table.c[name] == value for name, value in self.source.where.items()]
        wanted += [self.key > self._bound(after)] if after is not None else []
        wanted += [self.key <= self._bound(upto)] if upto is not None else []
        return query.select_from(self.table).where(*wanted)

    def with_keys(self, texts: Sequence[str]) -> sa.Select[Any]:
        """Read the rows of some keys."""
        keys = [key for key in map(self._key, texts) if key is not None]
        return self.between(self.select(), after=None, upto=None).where(self.key.in_(keys))

    def rows(self, connection: sa.Connection, query: sa.Select[Any]) -> dict[str, dict[str, Any]]:
        """Execute a query; give plain rows by key.

        Raises:
            ConfigurationError: two rows share a key.

        """
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


def open_reader(connection: sa.Connection, element: str, source: SqlSource) -> Reader:
    """Look the source up in the catalogue.

    Raises:
        ConfigurationError: the table or a column is missing, or the key has another type.

    """
    types = catalogue(connection, element, source)
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
    return Reader(element, source, table, columns, numeric)


def catalogue(connection: sa.Connection, element: str, source: SqlSource) -> dict[str, Any]:
    """Read the types of the source's columns; raises ConfigurationError if it is missing."""
    try:
        columns = sa.inspect(connection).get_columns(source.table)
    except NoSuchTableError:
        reason = "the legacy table is missing"
        raise ConfigurationError(reason, element=element, table=source.table) from None
    return {str(column["name"]): column["type"] for column in columns}


def _column(name: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.ColumnClause[Any]:
    return sa.column(quoted_name(name, quote=True), kind)


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
