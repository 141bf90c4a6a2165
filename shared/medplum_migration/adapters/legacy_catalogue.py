"""The legacy database's catalogue: names of tables and columns in, tables to query out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.sql.elements import quoted_name

from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.source import PRESENT, Condition, Conditions, Source


@dataclass(frozen=True, slots=True)
class Table:
    """A legacy table under an alias, or a trigger's row of it.

    Columns are integers, texts, or of no type: SQLAlchemy's reading of a date fails on a zero date.
    """

    element: str
    name: str
    clause: sa.FromClause
    columns: Mapping[str, sa.ColumnElement[Any]]

    def column(self, name: str) -> sa.ColumnElement[Any]:
        """Give a column.

        Raises:
            ConfigurationError: the table lacks it.

        """
        if name not in self.columns:
            reason = "the legacy table lacks a column"
            raise ConfigurationError(reason, element=self.element, table=self.name, column=name)
        return self.columns[name]

    def meets(self, where: Conditions) -> list[sa.ColumnElement[bool]]:
        """Restrict the table to the rows that meet all conditions."""
        return [self._meets(name, condition) for name, condition in where.items()]

    def _meets(self, name: str, condition: Condition) -> sa.ColumnElement[bool]:
        column = self.column(name)
        if condition is PRESENT:  # MySQL holds a blank text equal to an empty one
            return sa.func.length(sa.cast(column, sa.String)) > 0
        values = condition if isinstance(condition, tuple) else (condition,)
        kind = int if is_integer(column) else str if is_text(column) else object
        if not all(isinstance(value, kind) for value in values):
            reason = "a condition compares a text with an integer"
            raise ConfigurationError(reason, element=self.element, table=self.name, column=name)
        return column == values[0] if len(values) == 1 else column.in_(values)


class Catalogue:
    """What the database says of its tables now; errors name the element that reads them."""

    def __init__(self, connection: sa.Connection, element: str) -> None:
        self._inspector = sa.inspect(connection)
        self._element = element

    def types(self, table: str) -> dict[str, sa.types.TypeEngine[Any]]:
        """Read the columns' types of a table or view.

        Raises:
            ConfigurationError: it is missing.

        """
        try:
            columns = self._inspector.get_columns(table)
        except NoSuchTableError:
            reason = "the legacy table is missing"
            raise ConfigurationError(reason, element=self._element, table=table) from None
        return {str(column["name"]): column["type"] for column in columns}

    def table(self, name: str, alias: str) -> Table:
        """Look a table up; raises ConfigurationError if it is missing."""
        # Columns of a table: a quoted name that stands alone and is no column is a text to SQLite.
        columns = (_column(column, kind) for column, kind in self.types(name).items())
        clause = sa.table(quoted_name(name, quote=True), *columns).alias(alias)
        return Table(self._element, name, clause, dict(clause.c.items()))

    def row(self, name: str, row: str) -> Table:
        """Look a table up for a trigger; `row` is NEW or OLD."""
        known = self.table(name, row)
        quote = self._inspector.dialect.identifier_preparer.quote_identifier
        columns = {
            column: sa.literal_column(f"{row}.{quote(column)}", found.type)
            for column, found in known.columns.items()
        }
        return Table(self._element, name, known.clause, columns)

    def row_model(self, source: Source) -> frozenset[str]:
        """Name the columns of the base table, and those that joins and children can add now.

        Raises:
            ConfigurationError: the base table is missing.

        """
        aliases = {column: name for name, column in source.aliases.items()}
        names = {aliases.get(column, column) for column in self.types(source.table)}
        for join in source.joins:
            there = self._names(join.table)
            if there.issuperset([*join.on, *join.where]):
                names |= {name for name, column in join.columns.items() if column in there}
        for child in source.children:
            needed = (*child.on, *child.where, *child.columns, *child.order_by)
            names |= {child.name} if self._names(child.table).issuperset(needed) else set()
        return frozenset(names)

    def _names(self, table: str) -> frozenset[str]:
        try:
            return frozenset(self.types(table))
        except ConfigurationError:
            return frozenset()


def is_integer(column: sa.ColumnElement[Any]) -> bool:
    """Tell whether a column holds integers."""
    return isinstance(column.type, sa.Integer)


def is_text(column: sa.ColumnElement[Any]) -> bool:
    """Tell whether a column holds texts."""
    return isinstance(column.type, sa.String)


def equal(column: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Compare two columns, an integer and a text as texts: to MySQL, 12 equals "12abc"."""
    if is_integer(column) and is_text(other):
        return sa.cast(column, sa.String) == other
    if is_text(column) and is_integer(other):
        return column == sa.cast(other, sa.String)
    return column == other


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.ColumnClause[Any]:
    known = (
        sa.BigInteger() if isinstance(kind, sa.Integer)
        else sa.String() if isinstance(kind, sa.String)
        else None
    )  # fmt: skip
    return sa.column(quoted_name(name, quote=True), known)
