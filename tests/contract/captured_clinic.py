"""A clinic of visits with capture on: what the application commits, and what the outbox says."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa

from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.capture_tables import OUTBOX, VERSIONS
from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.adapters.sql_capture import SqlCapture
from medplum_migration.adapters.sql_outbox import SqlOutbox
from medplum_migration.mapping.source import Children, Join, Source
from tests.contract.legacy_clinic import TABLES, VISITS

Told: TypeAlias = list[tuple[str, str]]

ADDRESS = Join(
    "user",
    on={"id": "provider"},
    columns={"provider_name": "name", "place": "facility"},
    where={"active": 1},
)
CITY = Join("facility", on={"code": "place"}, columns={"city": "city"})
CODES = Children(
    "codes", "code", on={"visit": "id", "kind": "kind"}, columns=("code",), order_by=("rank",)
)
SOURCE = Source(
    "visit",
    ("id",),
    ("kind", "note"),
    where={"kind": ("home", "phone")},
    joins=(ADDRESS, CITY),
    children=(CODES,),
)


class Captured:
    """A database with the tables of a source and its triggers."""

    def __init__(self, dsn: str, source: Source = SOURCE, *tables: sa.Table) -> None:
        self.dsn, self._readers = dsn, snapshot_engine(dsn)
        default = "READ COMMITTED" if self._readers.dialect.name == "postgresql" else None
        own = {"isolation_level": default} if default else {}
        self.engine = snapshot_engine(dsn).execution_options(**own)
        self.quote = self.engine.dialect.identifier_preparer.quote_identifier
        for table in tables or TABLES.values():
            table.create(self.engine)
        self.capture = SqlCapture(self.engine, {VISITS: source})
        self.capture.install()
        self.outbox = SqlOutbox(self.engine)
        self.store = SqlLegacyStore(self._readers, {VISITS: source})

    def write(self, *statements: str) -> Told:
        """Commit statements in one transaction; list what they have added to the outbox."""
        before = self.rows()
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("USER", self.quote("user")))
        return [(row[0], row[2]) for row in self.rows() if row not in before]

    def insert(self, table: sa.Table, *rows: Sequence[Any]) -> Told:
        """Insert rows in one statement each, in one transaction."""
        before = self.rows()
        with self.engine.begin() as connection:
            for row in rows:
                connection.execute(table.insert().values(tuple(row)))
        return [(row[0], row[2]) for row in self.rows() if row not in before]

    def rows(self) -> list[tuple[str, int, str]]:
        """List the outbox by time: key, sequence, operation."""
        return [(row.key, row.sequence, row.operation) for row in self.outbox.waiting(9999)]

    def versions(self) -> dict[str, tuple[int, bool]]:
        """List each record's version, and whether it is deleted."""
        columns = VERSIONS.c
        query = sa.select(columns.record_key, columns.version, columns.deleted)
        with self.engine.connect() as connection:
            return {key: (version, bool(gone)) for key, version, gone in connection.execute(query)}

    def highest(self) -> dict[str, int]:
        """Find each record's highest sequence in the outbox."""
        columns = OUTBOX.c
        query = sa.select(columns.record_key, sa.func.max(columns.sequence))
        with self.engine.connect() as connection:
            found = connection.execute(query.group_by(columns.record_key))
            return {key: int(sequence) for key, sequence in found}

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._readers.dispose()
        self.outbox.close()
