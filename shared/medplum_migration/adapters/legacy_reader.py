"""How one element is read from a SQL database: its source in, the queries of its rows out."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from medplum_migration.adapters.legacy_catalogue import (
    Catalogue,
    Table,
    equal,
    is_integer,
    is_text,
)
from medplum_migration.adapters.legacy_query import ChildRows, Reader
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.source import Children, Source


class Record(dict[str, sa.ColumnElement[Any]]):
    """Columns of the row model by name; other names are those of the base table."""

    def __init__(self, base: Table, names: Sequence[str], aliases: Mapping[str, str]) -> None:
        super().__init__({name: base.column(aliases.get(name, name)) for name in names})
        self._base = base
        self._taken = set(names)

    def __missing__(self, name: str) -> sa.ColumnElement[Any]:
        return self._base.column(name)

    def claim(self, name: str) -> str:
        """Take a name of the row model.

        Raises:
            ConfigurationError: it is taken.

        """
        if name in self._taken:
            reason = "the source gives two columns one name"
            fields = {"element": self._base.element, "table": self._base.name, "column": name}
            raise ConfigurationError(reason, **fields)
        self._taken.add(name)
        return name

    def related(
        self, table: Table, on: Mapping[str, str]
    ) -> tuple[tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]], ...]:
        """Pair columns of another table with columns of the record."""
        return tuple((table.column(theirs), self[ours]) for theirs, ours in on.items())


def open_reader(connection: sa.Connection, element: str, source: Source) -> Reader:
    """Look the source up in the catalogue.

    Raises:
        ConfigurationError: a table or column is missing, or a key has another type.

    """
    if not source.keys:
        reason = "the source names no key column"
        raise ConfigurationError(reason, element=element, table=source.table)
    catalogue = Catalogue(connection, element)
    base = catalogue.table(source.table, "record")
    names = source.columns if source.columns is not None else tuple(base.clause.c.keys())
    keys = tuple(_key_column(base, name) for name in source.keys)
    record = Record(base, names, source.aliases)
    tables = _joined(catalogue, source, base, record)
    children = [_children(catalogue, n, child, record) for n, child in enumerate(source.children)]
    return Reader(
        element=element,
        source=source,
        keys=keys,
        columns=record,
        tables=tables,
        existing=tables if any(join.required for join in source.joins) else base.clause,
        conditions=(*(key.is_not(None) for key in keys), *base.meets(source.where)),
        children=tuple(children),
    )


def _joined(catalogue: Catalogue, source: Source, base: Table, record: Record) -> sa.FromClause:
    tables = base.clause
    for number, join in enumerate(source.joins):
        table = catalogue.table(join.table, f"joined_{number}")
        related = [equal(theirs, ours) for theirs, ours in record.related(table, join.on)]
        matches = sa.and_(sa.true(), *related, *table.meets(join.where))
        tables = tables.join(table.clause, matches, isouter=not join.required)
        for name, column in join.columns.items():
            record[record.claim(name)] = table.column(column)
    return tables


def _children(catalogue: Catalogue, number: int, children: Children, record: Record) -> ChildRows:
    table = catalogue.table(children.table, f"child_{number}")
    return ChildRows(
        name=record.claim(children.name),
        clause=table.clause,
        on=record.related(table, children.on),
        conditions=tuple(table.meets(children.where)),
        columns={name: table.column(name) for name in children.columns},
        order_by=tuple(map(table.column, children.order_by)),
    )


def _key_column(base: Table, name: str) -> sa.ColumnElement[Any]:
    key = base.column(name)
    if not is_integer(key) and not is_text(key):
        reason = "the key column is neither integer nor text"
        raise ConfigurationError(reason, element=base.element, table=base.name, column=name)
    return key
