"""Capture: triggers that write one outbox row per change, in the transaction of the change.

A record whose key changes gives two rows: a delete of the old key and an upsert of the new one.
A row whose key is NULL, or has NULL in a column, is no record and gives none.

What triggers do not see, and so must not happen while the migration runs: TRUNCATE; on MySQL and
MariaDB, changes by foreign key cascades; on SQLite, rows that INSERT OR REPLACE pushes out on a
connection without `PRAGMA recursive_triggers = ON`. With a binary log, MySQL and MariaDB need
`log_bin_trust_function_creators` or SUPER to create triggers.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import sqlalchemy as sa

from medplum_migration.adapters.legacy_sql import OUTBOX
from medplum_migration.domain.errors import ConfigurationError

KeyColumns: TypeAlias = str | tuple[str, ...]
"""One key column, or those of a composite key in the order of `Source.keys`."""

_ROW = "INSERT INTO medplum_outbox (table_name, record_key, operation)"
_EVENTS = ("insert", "update", "delete")


def install(engine: sa.Engine, keys: Mapping[str, KeyColumns]) -> None:
    """Create the outbox and the triggers of each table; `keys` names each table's key columns.

    Harmless when repeated: triggers are made anew, outbox rows are kept.
    """
    OUTBOX.create(engine, checkfirst=True)
    remove(engine, keys)
    with engine.begin() as connection:
        for table, key in keys.items():
            for statement in triggers(engine.dialect, table, key):
                connection.exec_driver_sql(statement)


def remove(engine: sa.Engine, keys: Mapping[str, KeyColumns]) -> None:
    """Drop the triggers; the outbox stays, because versions in Medplum come from it."""
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.begin() as connection:
        for table in keys:
            for event in _EVENTS:
                name = quote(_trigger_name(table, event))
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")


def triggers(dialect: sa.Dialect, table: str, key: KeyColumns) -> list[str]:
    """Write the CREATE TRIGGER statements of one table.

    Raises:
        ConfigurationError: capture knows no triggers of this database.

    """
    quote = dialect.identifier_preparer.quote_identifier
    names = [quote(name) for name in key_columns(key)]
    bodies = _bodies(dialect.name, table, names)
    loop = "" if dialect.name == "sqlite" else "FOR EACH ROW "
    return [
        f"CREATE TRIGGER {quote(_trigger_name(table, event))} AFTER {event.upper()}"
        f" ON {quote(table)} {loop}BEGIN {body} END"
        for event, body in zip(_EVENTS, bodies, strict=True)
    ]


def key_columns(key: KeyColumns) -> tuple[str, ...]:
    """Name the key columns."""
    return (key,) if isinstance(key, str) else key


def _bodies(database: str, table: str, columns: Sequence[str]) -> tuple[str, str, str]:
    name = "'" + table.replace("'", "''") + "'"
    if database == "sqlite":
        new, old = (_sqlite_key(row, columns) for row in ("NEW", "OLD"))
        row = _ROW + " SELECT {name}, {key}, '{operation}' WHERE {condition};"
        changed = f"{old} IS NOT {new}"
    elif database in {"mysql", "mariadb"}:
        new, old = (_mysql_key(row, columns) for row in ("NEW", "OLD"))
        row = f"IF {{condition}} THEN {_ROW} VALUES ({{name}}, {{key}}, '{{operation}}'); END IF;"
        # Compared as bytes: a collation may hold keys equal that are different texts.
        changed = f"NOT (CAST({old} AS BINARY) <=> CAST({new} AS BINARY))"
    else:
        reason = "capture is written for SQLite, MySQL and MariaDB"
        raise ConfigurationError(reason, database=database)
    was, there = f"{old} IS NOT NULL", f"{new} IS NOT NULL"
    upsert = row.format(name=name, key=new, operation="upsert", condition=there)
    delete = row.format(name=name, key=old, operation="delete", condition=was)
    moved = row.format(name=name, key=old, operation="delete", condition=f"{was} AND {changed}")
    return upsert, f"{moved} {upsert}", delete


def _sqlite_key(row: str, columns: Sequence[str]) -> str:
    texts = [f"CAST({row}.{column} AS TEXT)" for column in columns]
    return texts[0] if len(texts) == 1 else " || '|' || ".join(map(_escaped, texts))


def _mysql_key(row: str, columns: Sequence[str]) -> str:
    texts = [f"CONVERT({row}.{column} USING utf8mb4)" for column in columns]
    return texts[0] if len(texts) == 1 else "CONCAT(" + ", '|', ".join(map(_escaped, texts)) + ")"


def _escaped(text: str) -> str:
    """Spell a part of a key as `mapping.source.join_key` does."""
    return f"REPLACE(REPLACE({text}, '~', '~7e'), '|', '~7c')"


def _trigger_name(table: str, event: str) -> str:
    return f"medplum_{event}_{table}"
