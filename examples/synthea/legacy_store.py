"""Where the records are: the URL of an imported SQLite file in, a `LegacyStore` over it out."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medplum_migration.adapters.legacy_sql import SqlLegacyStore


def open_store(dsn: str) -> "SqlLegacyStore":
    """Open the legacy store at a database URL.

    Raises:
        ConfigurationError: the text is not a database URL.

    """
    from examples.synthea.elements import MAPPINGS
    from legacy_store import sources
    from legacy_store.connection import snapshot_engine
    from medplum_migration.adapters.legacy_sql import SqlLegacyStore

    return SqlLegacyStore(snapshot_engine(dsn), sources(MAPPINGS))
