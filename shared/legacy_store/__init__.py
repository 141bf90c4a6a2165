"""Where your legacy records are: a database URL in, a `LegacyStore` over its tables out.

The tables, keys and columns are those that the data elements name. Replace `open_store` when your
records live behind something other than SQL.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from medplum_migration.adapters.legacy_sql import SqlLegacyStore
    from medplum_migration.adapters.sql_capture import SqlCapture
    from medplum_migration.adapters.sql_outbox import SqlOutbox
    from medplum_migration.mapping.scaffold import LegacyColumn
    from medplum_migration.mapping.source import Source


class ReadsTable(Protocol):
    """What a data element's mapping says of its tables."""

    @property
    def element(self) -> str:
        """Name of the data element type."""

    @property
    def source(self) -> "Source":
        """Where its records lie."""


def sources(mappings: Iterable[ReadsTable] | None = None) -> "Mapping[str, Source]":
    """Tell each element's tables; those of `data_elements.MAPPINGS` by default."""
    from data_elements import MAPPINGS

    chosen = MAPPINGS if mappings is None else mappings
    return {mapping.element: mapping.source for mapping in chosen}


def open_store(dsn: str) -> "SqlLegacyStore":
    """Open the legacy store at a database URL.

    Raises:
        ConfigurationError: the text is not a database URL.

    """
    from legacy_store.connection import snapshot_engine
    from medplum_migration.adapters.legacy_sql import SqlLegacyStore

    return SqlLegacyStore(snapshot_engine(dsn), sources())


def open_capture(dsn: str) -> "SqlCapture":
    """Open capture at a database URL, for `medplum-migrate capture`.

    Raises:
        ConfigurationError: the text is not a database URL.

    """
    from legacy_store.connection import snapshot_engine
    from medplum_migration.adapters.sql_capture import SqlCapture

    return SqlCapture(snapshot_engine(dsn), sources())


def open_outbox(dsn: str) -> "SqlOutbox":
    """Open the outbox at a database URL, for the relay; raises as `open_capture`."""
    from legacy_store.connection import snapshot_engine
    from medplum_migration.adapters.sql_outbox import SqlOutbox

    return SqlOutbox(snapshot_engine(dsn))


def describe(dsn: str, table: str) -> "tuple[LegacyColumn, ...]":
    """Describe a table for `medplum-migrate elements new`; a store without tables need not.

    Raises:
        ConfigurationError: the text is not a database URL, or the table is missing.
        UnavailableError: the database does not answer.

    """
    from legacy_store.connection import snapshot_engine
    from medplum_migration.adapters.legacy_description import describe_table

    engine = snapshot_engine(dsn)
    try:
        return describe_table(engine, table)
    finally:
        engine.dispose()
