"""`LegacyStore` over a SQL database: rows of tables or views, versions from capture.

Row and version belong together, because triggers raise the version in the transaction that changes
the row, and because each call here reads both in one transaction that sees one snapshot:

- PostgreSQL at REPEATABLE READ takes the snapshot at the first query of the transaction.
- MariaDB and MySQL (InnoDB) at REPEATABLE READ open a read view at the first consistent read;
  tables of engines without transactions (MyISAM) must not be used.
- SQLite fixes the snapshot at the first read after BEGIN: in WAL mode by the end mark of the log,
  in rollback mode by a shared lock that keeps writers from committing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from medplum_migration.adapters.capture_tables import VERSIONS
from medplum_migration.adapters.legacy_catalogue import Catalogue
from medplum_migration.adapters.legacy_query import Reader
from medplum_migration.adapters.legacy_reader import open_reader
from medplum_migration.adapters.sql_capture import SqlCapture
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.mapping.source import Source
from medplum_migration.ports.capture import CaptureState

_VERSION = VERSIONS.c
_KEY_VARIABLES = 900  # SQLite before 3.32 takes 999 in a statement
_SNAPSHOT_LEVELS = frozenset({"REPEATABLE READ", "SERIALIZABLE"})


class SqlLegacyStore:
    """Reads records with the sequence of their last captured write as version.

    Version 0 means never captured, as all records are before capture is installed. Values come as
    JSON knows them, the same on every database: dates and times as ISO text with a blank (a zero
    date of MySQL stays `0000-00-00 00:00:00`), decimals as text, bytes as hexadecimal text. On
    databases other than SQLite the engine needs isolation level REPEATABLE READ, and
    `hide_parameters`.
    """

    def __init__(self, engine: sa.Engine, sources: Mapping[str, Source]) -> None:
        self._engine = engine
        self._sources = sources
        self._readers: dict[str, Reader] = {}
        self._isolated = engine.dialect.name == "sqlite"
        self._versioned = False

    def with_all_columns(self) -> "SqlLegacyStore":
        """Give a store over the same records with all columns of their tables."""
        sources = {name: replace(source, columns=None) for name, source in self._sources.items()}
        return SqlLegacyStore(self._engine, sources)

    def close(self) -> None:
        """Close the pooled connections."""
        self._engine.dispose()

    def read(self, element: str, keys: Sequence[str]) -> list[LegacyRecord]:
        """Read records by key; a text that is no key of the table has no row."""
        reader, wanted = self._reader(element), list(dict.fromkeys(keys))
        rows: dict[str, dict[str, Any]] = {}
        with self._snapshot(element) as connection:
            for some in _chunks(wanted, variables=len(reader.keys) + 1):
                rows |= reader.rows(connection, reader.with_keys(some))
            versions = self._read_versions(connection, reader, wanted)
        return [LegacyRecord(key, versions.get(key, 0), rows.get(key)) for key in keys]

    def page(
        self, element: str, *, after: str | None, upto: str | None, limit: int
    ) -> list[LegacyRecord]:
        """Read existing records in key order."""
        reader = self._reader(element)
        query = reader.page(after=after, upto=upto)
        with self._snapshot(element) as connection:
            # One more: a key that comes twice must not be parted by the end of the page.
            rows = reader.rows(connection, query.limit(limit + 1))
            keys = list(rows)[:limit]
            versions = self._read_versions(connection, reader, keys)
        return [LegacyRecord(key, versions.get(key, 0), rows[key]) for key in keys]

    def boundary(self, element: str, *, after: str | None, size: int) -> tuple[str, int] | None:
        """Find the key of the `size`-th record after `after`, by keyset."""
        reader = self._reader(element)
        query = reader.boundary(after=after, size=size)
        with self._snapshot(element) as connection:
            found = connection.execute(query).first()
        return (reader.key_text(found[1:]), int(found[0])) if found else None

    def count(self, element: str) -> int:
        """Count the records that exist."""
        reader = self._reader(element)
        with self._snapshot(element) as connection:
            return int(connection.execute(reader.count()).scalar_one())

    def deletions(
        self, element: str, *, after: str | None, limit: int
    ) -> tuple[list[LegacyRecord], str | None]:
        """Read deleted records by key, which is the cursor."""
        reader = self._reader(element)
        query = sa.select(_VERSION.record_key).where(_VERSION.element == element)
        if after is not None:
            query = query.where(_VERSION.record_key > after)
        if not reader.loses_joined_rows:
            query = query.where(_VERSION.deleted)
        with self._snapshot(element) as connection:
            if not self._has_versions(connection):
                return [], None
            found = connection.scalars(query.order_by(_VERSION.record_key).limit(limit)).all()
        gone = [record for record in self.read(element, found) if record.row is None]
        return gone, found[-1] if found else None

    def columns(self, element: str) -> frozenset[str]:
        """Name the columns that the element's tables give now; asks the catalogue each time."""
        with self._snapshot(element) as connection:
            return Catalogue(connection, element).row_model(self._source(element))

    def captures(self, element: str) -> bool:
        """Tell whether all triggers of an element are there, as its source says now."""
        self._source(element)
        [found] = SqlCapture(self._engine, self._sources).status([element])
        return found.state is CaptureState.INSTALLED

    def _source(self, element: str) -> Source:
        if element not in self._sources:
            reason = "no legacy source for this element"
            raise ConfigurationError(reason, element=element)
        return self._sources[element]

    def _reader(self, element: str) -> Reader:
        if element not in self._readers:
            with self._snapshot(element) as connection:
                self._readers[element] = open_reader(connection, element, self._source(element))
        return self._readers[element]

    def _read_versions(
        self, connection: sa.Connection, reader: Reader, keys: Sequence[str]
    ) -> dict[str, int]:
        query = sa.select(_VERSION.record_key, _VERSION.version)
        query = query.where(_VERSION.element == reader.element)
        versions: dict[str, int] = {}
        if not self._has_versions(connection):
            return versions
        for some in _chunks([key for key in keys if "\0" not in key], variables=1):
            found = connection.execute(query.where(_VERSION.record_key.in_(some)))
            versions |= {str(key): int(version) for key, version in found}
        return versions

    def _has_versions(self, connection: sa.Connection) -> bool:
        """Tell whether capture was ever installed; once seen, a table that vanishes is trouble."""
        self._versioned = self._versioned or sa.inspect(connection).has_table(VERSIONS.name)
        return self._versioned

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
        self._readers.pop(element, None)
        try:
            with self._engine.connect() as connection:
                open_reader(connection, element, self._source(element))
                if self._versioned and not sa.inspect(connection).has_table(VERSIONS.name):
                    reason = "the table of versions is gone: install capture again"
                    raise ConfigurationError(reason, element=element)
        except SQLAlchemyError:
            return


def _chunks(keys: Sequence[str], *, variables: int) -> Iterator[Sequence[str]]:
    size = _KEY_VARIABLES // variables
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
