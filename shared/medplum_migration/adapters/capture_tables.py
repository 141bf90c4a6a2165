"""The two tables of capture: a queue of changes, and the version of each captured record.

A trigger, or an application of its own accord, inserts element, key and operation into
`medplum_outbox`. The outbox's own trigger raises the record's version in `medplum_version` by one
and numbers the new row with it, while it holds the lock of that version: the numbers of one record
grow in the order of its commits. No auto-increment and no sequence is touched, so what the
application learns as its last inserted id stays what it was.
"""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import VARCHAR
from sqlalchemy.schema import CreateIndex, CreateTable

from medplum_migration.domain.change_event import LONGEST_KEY

_LONGEST_ELEMENT = 63
NUMBERING = "medplum_number_outbox"
"""Name of the outbox's own trigger, and on PostgreSQL of its function."""


class KeyText(sa.types.TypeDecorator[str]):
    """A key that equals another only if every character does, blanks at the end included."""

    impl = sa.String(LONGEST_KEY)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Choose the column's collation."""
        if dialect.name in {"mysql", "mariadb"}:
            mariadb = getattr(dialect, "is_mariadb", False)
            collation = "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"
            kind = VARCHAR(LONGEST_KEY, charset="utf8mb4", collation=collation)
            return dialect.type_descriptor(kind)
        if dialect.name == "postgresql":  # which may cast to a length before it looks at WHERE
            return dialect.type_descriptor(sa.Text(collation="C"))
        return dialect.type_descriptor(sa.String(LONGEST_KEY, collation="BINARY"))


_SCHEMA = sa.MetaData()
_INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mariadb_engine": "InnoDB"}


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0"))


OUTBOX = sa.Table(
    "medplum_outbox",
    _SCHEMA,
    sa.Column("element", sa.String(_LONGEST_ELEMENT), primary_key=True),
    sa.Column("record_key", KeyText(), primary_key=True),
    sa.Column(
        "sequence",
        sa.BigInteger(),
        primary_key=True,
        autoincrement=False,
        server_default=sa.text("0"),
    ),
    sa.Column("operation", sa.String(6), nullable=False),
    _number("captured_at"),
    sa.Index("medplum_outbox_waiting", "captured_at"),
    **_INNODB,
)
"""One row per captured write until it is published; `captured_at` in ms since the epoch."""

VERSIONS = sa.Table(
    "medplum_version",
    _SCHEMA,
    sa.Column("element", sa.String(_LONGEST_ELEMENT), primary_key=True),
    sa.Column("record_key", KeyText(), primary_key=True),
    sa.Column("version", sa.BigInteger(), nullable=False),
    sa.Column("deleted", sa.Boolean(), nullable=False),
    _number("captured_at"),
    **_INNODB,
)
"""One row per record that was ever captured: the sequence of its last captured write."""

_IS_DELETE = "NEW.operation = 'delete'"
_RECORD = "element = NEW.element AND record_key = NEW.record_key"
NOW = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "mysql": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
}
"""Milliseconds since the epoch by the database's clock."""
_VERSION_COLUMNS = "medplum_version (element, record_key, version, deleted, captured_at)"


def numbering_body(database: str) -> str:
    """Write what the outbox's trigger does with a new row."""
    return _BODIES[database].format(
        now=NOW[database], is_delete=_IS_DELETE, record=_RECORD, versions=_VERSION_COLUMNS
    )


def tables(dialect: sa.Dialect, known: Collection[str]) -> list[str]:
    """Write the CREATE statements of the tables that are not among the known ones."""
    made: list[sa.DDLElement] = []
    for table in (OUTBOX, VERSIONS):
        if table.name not in known:
            made += [CreateTable(table), *map(CreateIndex, table.indexes)]
    return [str(statement.compile(dialect=dialect)).strip() for statement in made]


_BODIES = {
    # No conflict arises: the application's OR IGNORE would apply to it.
    "sqlite": """BEGIN
UPDATE medplum_version SET version = version + 1, deleted = ({is_delete}), captured_at = {now}
WHERE {record};
INSERT INTO {versions}
SELECT NEW.element, NEW.record_key, 1, {is_delete}, {now}
WHERE NOT EXISTS (SELECT 1 FROM medplum_version WHERE {record});
UPDATE medplum_outbox
SET captured_at = {now}, sequence = (SELECT version FROM medplum_version WHERE {record})
WHERE rowid = NEW.rowid;
END""",
    "mysql": """BEGIN
SET NEW.captured_at = {now};
INSERT INTO {versions}
VALUES (NEW.element, NEW.record_key, 1, {is_delete}, NEW.captured_at)
ON DUPLICATE KEY UPDATE version = version + 1, deleted = ({is_delete}),
captured_at = NEW.captured_at;
SET NEW.sequence = (SELECT version FROM medplum_version WHERE {record});
END""",
    "postgresql": """
BEGIN
NEW.captured_at := {now};
INSERT INTO medplum_version AS held (element, record_key, version, deleted, captured_at)
VALUES (NEW.element, NEW.record_key, 1, {is_delete}, NEW.captured_at)
ON CONFLICT (element, record_key) DO UPDATE SET version = held.version + 1,
deleted = excluded.deleted, captured_at = excluded.captured_at
RETURNING held.version INTO NEW.sequence;
RETURN NEW;
END
""",
}
