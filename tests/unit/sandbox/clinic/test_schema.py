"""The clinic's tables: every type of `tables.csv`, as SQLite and as MariaDB spell it."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.schema import CreateTable

from sandbox.clinic.schema import schema


def spelled(table: str, column: str, dialect: sa.Dialect) -> str:
    """Write a column's type as a database reads it."""
    return schema().tables[table].c[column].type.compile(dialect)


@pytest.mark.parametrize(
    ("table", "column", "on_sqlite", "on_mariadb"),
    [
        ("patient_data", "pid", "INTEGER", "BIGINT"),
        ("patient_data", "DOB", "VARCHAR(26)", "DATE"),
        ("patient_data", "regdate", "VARCHAR(26)", "DATETIME"),
        ("users", "uuid", "BLOB", "BINARY(16)"),
        ("users", "active", "SMALLINT", "TINYINT"),
        ("users", "npi", "VARCHAR(15)", "VARCHAR(15)"),
        ("form_vitals", "weight", "NUMERIC(12, 6)", "NUMERIC(12, 6)"),
        ("insurance_data", "type", "VARCHAR(9)", "ENUM('primary','secondary','tertiary')"),
        ("procedure_order", "history_order", "VARCHAR(1)", "ENUM('0','1')"),
    ],
)
def test_types_are_those_of_the_legacy_tables(
    table: str, column: str, on_sqlite: str, on_mariadb: str
) -> None:
    """MariaDB has the legacy types; SQLite holds dates and enumerations as text."""
    assert on_sqlite == spelled(table, column, sqlite.dialect())
    assert on_mariadb == spelled(table, column, mysql.dialect())


def test_defaults_and_keys() -> None:
    """A composite key is one key, a default is the legacy one, and what may be NULL may be."""
    codes = schema().tables["procedure_order_code"]
    users = str(CreateTable(schema().tables["users"]).compile(dialect=sqlite.dialect()))

    assert ["procedure_order_id", "procedure_order_seq"] == [c.name for c in codes.primary_key]
    assert "taxonomy VARCHAR(30) DEFAULT '207Q00000X' NOT NULL" in users
    assert "UNIQUE (google_signin_email)" in users
    assert "fname VARCHAR(255)," in users
