"""Capture in a SQL database: elements' sources in, triggers installed, compared or removed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from medplum_migration.adapters.capture_spelling import Definition, Installed, spelling_for
from medplum_migration.adapters.capture_tables import NOW, OUTBOX, VERSIONS, tables
from medplum_migration.adapters.capture_triggers import belongs_to, definitions
from medplum_migration.adapters.legacy_catalogue import Catalogue
from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.mapping.source import Source
from medplum_migration.ports.capture import CaptureState, ElementCapture

_TABLES = (OUTBOX, VERSIONS)


class SqlCapture:
    """Installs what is missing or has drifted, and leaves alone what is as it should be.

    Needs the rights to create tables and triggers, and reads the catalogue only for the rest.
    """

    def __init__(self, engine: sa.Engine, sources: Mapping[str, Source]) -> None:
        self._engine, self._sources = engine, sources

    def close(self) -> None:
        """Close the pooled connections."""
        self._engine.dispose()

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements that have a source."""
        return tuple(self._sources)

    def installation(self, elements: Sequence[str]) -> list[str]:
        """Write the statements that turn capture of some elements on; none when it is on.

        Raises:
            ConfigurationError: an element has no source, or its table is missing or is a view.

        """
        with self._connection() as connection:
            spelling = spelling_for(connection)
            found = spelling.installed(connection)
            statements = tables(connection.dialect, _tables(connection))
            wanted = [spelling.numbering()]
            for element in elements:
                expected = self._expected(connection, element)
                for name in _left_over(element, expected, found):
                    statements += spelling.drop(name, found[name].table)
                wanted += expected
        differing = [one for one in wanted if not _is_there(one, found)]
        return statements + [line for one in differing for line in one.create]

    def removal(self, elements: Sequence[str], *, drop_tables: bool = False) -> list[str]:
        """Write the statements that turn capture of some elements off.

        The tables stay, because versions in Medplum come from them. With `drop_tables` they go.
        """
        with self._connection() as connection:
            spelling = spelling_for(connection)
            statements: list[str] = []
            for name, trigger in spelling.installed(connection).items():
                if any(belongs_to(name, element) for element in elements):
                    statements += spelling.drop(name, trigger.table)
            there = _tables(connection)
            if drop_tables and there:
                numbering = spelling.numbering()
                gone = spelling.drop(numbering.name, numbering.table)
                if OUTBOX.name in there:
                    statements += gone
                statements += [f"DROP TABLE {name}" for name in sorted(there)]
        return statements

    def execute(self, statements: Sequence[str]) -> None:
        """Execute statements; on PostgreSQL and SQLite all of them or none.

        Raises:
            ConfigurationError: the database refuses one; quotes the database's reason.

        """
        try:
            with self._engine.begin() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                plain = connection.execution_options(no_parameters=True)
                for statement in statements:
                    plain.exec_driver_sql(statement)
        except SQLAlchemyError as error:
            failure = str(getattr(error, "orig", "")).strip().partition("\n")[0]
        else:
            return
        reason = "the database refuses a statement of capture"
        raise ConfigurationError(reason, failure=failure) from None

    def install(self, elements: Sequence[str] | None = None) -> None:
        """Turn capture on, of all elements by default."""
        self.execute(self.installation(self.elements if elements is None else elements))

    def remove(self, elements: Sequence[str] | None = None) -> None:
        """Turn capture off, of all elements by default; the tables stay."""
        self.execute(self.removal(self.elements if elements is None else elements))

    def status(self, elements: Sequence[str]) -> list[ElementCapture]:
        """Compare the triggers of some elements with their sources, and look at the tables."""
        with self._connection() as connection:
            found = spelling_for(connection).installed(connection)
            return [self._status(connection, element, found) for element in elements]

    def _status(
        self, connection: sa.Connection, element: str, found: Mapping[str, Installed]
    ) -> ElementCapture:
        numbering = spelling_for(connection).numbering()
        expected: list[Definition] = [numbering, *self._expected(connection, element)]
        missing = tuple(one.name for one in expected if one.name not in found)
        changed = tuple(
            one.name for one in expected if one.name in found and not _is_there(one, found)
        )
        left_over = tuple(_left_over(element, expected, found))
        own = [name for name in found if belongs_to(name, element)]
        state = CaptureState.DRIFTED if own else CaptureState.MISSING
        if not missing + changed + left_over:
            state = CaptureState.INSTALLED
        both = len(_tables(connection)) == len(_TABLES)
        rows = _rows(connection, element) if both else {}
        return ElementCapture(element, state, len(own), missing, changed, left_over, **rows)

    def _expected(self, connection: sa.Connection, element: str) -> list[Definition]:
        if element not in self._sources:
            reason, known = "no legacy source for this element", " ".join(self._sources)
            raise ConfigurationError(reason, element=element, known=known)
        source = self._sources[element]
        catalogue = Catalogue(connection, element)
        views = set(sa.inspect(connection).get_view_names())
        read = [source.table, *(join.table for join in source.joins)]
        read += [child.table for child in source.children]
        for table in views.intersection(read):
            reason = "a view has no triggers: write some on its tables that fill the outbox"
            raise ConfigurationError(reason, element=element, table=table)
        return definitions(catalogue, element, source, spelling_for(connection))

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            failure = type(error).__name__
        else:
            return
        reason = "the legacy database did not answer"
        raise UnavailableError(reason, failure=failure) from None


def _is_there(wanted: Definition, found: Mapping[str, Installed]) -> bool:
    """Compare what the catalogue shows, blanks aside."""
    trigger = found.get(wanted.name)
    if trigger is None or trigger.table != wanted.table:
        return False
    return trigger.text.split() == wanted.text.split()


def _left_over(
    element: str, expected: Sequence[Definition], found: Mapping[str, Installed]
) -> list[str]:
    names = {one.name for one in expected}
    return [name for name in found if belongs_to(name, element) and name not in names]


def _tables(connection: sa.Connection) -> set[str]:
    """Name those of capture's tables that are there."""
    inspector = sa.inspect(connection)
    return {table.name for table in _TABLES if inspector.has_table(table.name)}


def _rows(connection: sa.Connection, element: str) -> dict[str, Any]:
    """Count what the tables hold of an element."""
    now: sa.ColumnElement[int] = sa.literal_column(
        NOW[connection.dialect.name.replace("mariadb", "mysql")]
    )

    def ages(table: sa.Table, edge: Any) -> tuple[int, float | None]:  # noqa: ANN401 because functions are made at run time
        query = sa.select(sa.func.count(), now - edge(table.c.captured_at))
        number, age = connection.execute(query.where(table.c.element == element)).one()
        return int(number), None if age is None else max(float(age), 0.0) / 1000

    records, last = ages(VERSIONS, sa.func.max)
    waiting, oldest = ages(OUTBOX, sa.func.min)
    return {
        "records": records,
        "last_captured_s": last,
        "waiting": waiting,
        "oldest_waiting_s": oldest,
    }
