"""Where your legacy records are: a database URL in, a `LegacyStore` over its tables out.

The tables, keys and columns are those that the data elements name. Replace `open_store` when your
records live behind something other than SQL.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from medplum_migration.adapters.legacy_reader import SqlSource
    from medplum_migration.adapters.legacy_sql import SqlLegacyStore


class ReadsTable(Protocol):
    """What a data element's mapping says of its table."""

    @property
    def element(self) -> str:
        """Name of the data element type."""

    @property
    def table(self) -> str:
        """Name of the legacy table or view."""

    @property
    def key(self) -> str:
        """Name of its unique key column."""

    @property
    def columns_read(self) -> frozenset[str]:
        """Names of the columns that the mapping reads."""


def sources(mappings: Iterable[ReadsTable] | None = None) -> "Mapping[str, SqlSource]":
    """Tell each element's table; those of `data_elements.MAPPINGS` by default."""
    from data_elements import MAPPINGS
    from medplum_migration.adapters.legacy_reader import SqlSource

    chosen = MAPPINGS if mappings is None else mappings
    return {m.element: SqlSource(m.table, m.key, tuple(sorted(m.columns_read))) for m in chosen}


def open_store(dsn: str) -> "SqlLegacyStore":
    """Open the legacy store at a database URL.

    Raises:
        ConfigurationError: the text is not a database URL.

    """
    from legacy_store.connection import snapshot_engine
    from medplum_migration.adapters.legacy_sql import SqlLegacyStore

    return SqlLegacyStore(snapshot_engine(dsn), sources())
