"""A table described for an element that is not written yet, and columns of any name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from medplum_migration.adapters.legacy_description import describe_table
from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.adapters.sql_capture import SqlCapture
from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.mapping.scaffold import Kind
from medplum_migration.mapping.source import Source

DDL = """
CREATE TABLE "ward beds" (
  site TEXT NOT NULL, no INTEGER NOT NULL, "class" VARCHAR(8), "odd name" TEXT,
  free BOOLEAN NOT NULL, price NUMERIC(8, 2), since DATE, upd DATETIME, opens TIME,
  nurse_id INTEGER NOT NULL, room INTEGER REFERENCES rooms (no), picture BLOB,
  PRIMARY KEY (site, no)
)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """Create the tables."""
    made = sa.create_engine(f"sqlite:///{tmp_path / 'legacy.db'}")
    with made.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE rooms (no INTEGER PRIMARY KEY)")
        connection.exec_driver_sql(DDL)
        connection.exec_driver_sql(
            """INSERT INTO "ward beds" (site, no, "class", "odd name", free, nurse_id)"""
            " VALUES ('N', 1, 'A', 'x', 1, 0)"
        )
    SqlCapture(made, {}).install()
    yield made
    made.dispose()


def test_columns_as_the_catalogue_has_them(engine: sa.Engine) -> None:
    """Name, kind, type, NULL, key and link, in the table's order."""
    found = describe_table(engine, "ward beds")
    kinds = {column.name: column.kind for column in found}

    assert {
        "site": Kind.TEXT,
        "no": Kind.WHOLE,
        "class": Kind.TEXT,
        "odd name": Kind.TEXT,
        "free": Kind.FLAG,
        "price": Kind.DECIMAL,
        "since": Kind.DAY,
        "upd": Kind.LOCAL_TIME,
        "opens": Kind.CLOCK_TIME,
        "nurse_id": Kind.WHOLE,
        "room": Kind.WHOLE,
        "picture": Kind.OTHER,
    } == kinds
    assert ["site", "no"] == [column.name for column in found if column.key]
    assert ["nurse_id", "room"] == [column.name for column in found if column.link]
    assert ["site", "no", "free", "nurse_id"] == [c.name for c in found if not c.nullable]
    assert "VARCHAR(8)" == found[2].sql


@pytest.mark.parametrize(
    ("expected", "kind"),
    [
        (Kind.FLAG, mysql.TINYINT(1)),
        (Kind.WHOLE, mysql.TINYINT(4)),
        (Kind.TEXT, mysql.ENUM("a", "b")),
        (Kind.OTHER, postgresql.TIMESTAMP(timezone=True)),
        (Kind.TEXT, postgresql.UUID()),
    ],
)
def test_types_of_other_databases(
    expected: Kind,
    kind: sa.types.TypeEngine[object],
    engine: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MySQL's flag is a small integer; a time with a zone is no local time."""
    column = {"name": "x", "type": kind, "nullable": True}
    monkeypatch.setattr(sa.Inspector, "get_columns", lambda *_: [column])

    assert expected is describe_table(engine, "rooms")[0].kind


def test_a_table_that_is_missing_is_told(engine: sa.Engine) -> None:
    """Those that are called alike are named."""
    with pytest.raises(ConfigurationError, match="the legacy table is missing") as caught:
        describe_table(engine, "ward_bed")
    with pytest.raises(ConfigurationError) as unlike:
        describe_table(engine, "zzz")

    assert {"table": "ward_bed", "known": "ward beds"} == caught.value.fields
    assert {"table": "zzz"} == unlike.value.fields


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    """The driver's words, which may quote the URL, are not."""
    with pytest.raises(UnavailableError, match="did not answer"):
        describe_table(sa.create_engine(f"sqlite:///{tmp_path}/no/such.db"), "beds")


def test_aliases_read_columns_of_any_name(engine: sa.Engine) -> None:
    """Rows and the list of columns have the names of the row model."""
    aliases = {"class_": "class", "odd_name": "odd name"}
    source = Source("ward beds", ("site", "no"), ("class_", "odd_name"), aliases=aliases)
    store = SqlLegacyStore(engine, {"beds": source})

    (record,) = store.page("beds", after=None, upto=None, limit=5)
    columns = store.columns("beds")
    store.close()

    assert ("N|1", {"class_": "A", "odd_name": "x"}) == (record.key, record.row)
    assert {"class_", "odd_name", "site"} <= columns
    assert not {"class", "odd name"} & columns
