"""Capture: triggers that write one outbox row per change, in the transaction of the change.

A record whose key changes gives two rows: a delete of the old key and an upsert of the new one.

What triggers do not see, and so must not happen while the migration runs: TRUNCATE; on MySQL and
MariaDB, changes by foreign key cascades; on SQLite, rows that INSERT OR REPLACE pushes out on a
connection without `PRAGMA recursive_triggers = ON`. With a binary log, MySQL and MariaDB need
`log_bin_trust_function_creators` or SUPER to create triggers.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from medplum_migration.adapters.legacy_sql import OUTBOX
from medplum_migration.domain.errors import ConfigurationError

_ROW = "INSERT INTO medplum_outbox (table_name, record_key, operation)"
_EVENTS = ("insert", "update", "delete")


def install(engine: sa.Engine, keys: Mapping[str, str]) -> None:
    """Create the outbox and the triggers of each table; `keys` names each table's key column.

    Harmless when repeated: triggers are made anew, outbox rows are kept.
    """
    OUTBOX.create(engine, checkfirst=True)
    remove(engine, keys)
    with engine.begin() as connection:
        for table, key in keys.items():
            for statement in triggers(engine.dialect, table, key):
                connection.exec_driver_sql(statement)


def remove(engine: sa.Engine, keys: Mapping[str, str]) -> None:
    """Drop the triggers; the outbox stays, because versions in Medplum come from it."""
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.begin() as connection:
        for table in keys:
            for event in _EVENTS:
                name = quote(_trigger_name(table, event))
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")


def triggers(dialect: sa.Dialect, table: str, key: str) -> list[str]:
    """Write the CREATE TRIGGER statements of one table.

    Raises:
        ConfigurationError: capture knows no triggers of this database.

    """
    quote = dialect.identifier_preparer.quote_identifier
    bodies = _bodies(dialect.name, table, quote(key))
    loop = "" if dialect.name == "sqlite" else "FOR EACH ROW "
    return [
        f"CREATE TRIGGER {quote(_trigger_name(table, event))} AFTER {event.upper()}"
        f" ON {quote(table)} {loop}BEGIN {body} END"
        for event, body in zip(_EVENTS, bodies, strict=True)
    ]


def _bodies(database: str, table: str, key: str) -> tuple[str, str, str]:
    name = "'" + table.replace("'", "''") + "'"
    if database == "sqlite":
        new, old = f"CAST(NEW.{key} AS TEXT)", f"CAST(OLD.{key} AS TEXT)"
        moved = f"{_ROW} SELECT {name}, {old}, 'delete' WHERE {old} IS NOT {new};"
    elif database in {"mysql", "mariadb"}:
        new, old = f"CONVERT(NEW.{key} USING utf8mb4)", f"CONVERT(OLD.{key} USING utf8mb4)"
        # Compared as bytes: a collation may hold keys equal that are different texts.
        moved = (
            f"IF NOT (CAST({old} AS BINARY) <=> CAST({new} AS BINARY))"
            f" THEN {_ROW} VALUES ({name}, {old}, 'delete'); END IF;"
        )
    else:
        reason = "capture is written for SQLite, MySQL and MariaDB"
        raise ConfigurationError(reason, database=database)
    upsert = f"{_ROW} VALUES ({name}, {new}, 'upsert');"
    delete = f"{_ROW} VALUES ({name}, {old}, 'delete');"
    return upsert, f"{moved} {upsert}", delete


def _trigger_name(table: str, event: str) -> str:
    return f"medplum_{event}_{table}"
