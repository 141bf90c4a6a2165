"""The clinic's tables, column for column as OpenEMR 8 has them: all that the data elements read.

Types fit SQLite and MariaDB. SQLite keeps dates and times as text, so that zero dates can be stored
as the real thing stores them. What `tables.csv` leaves out: indexes that are not unique, and
`ON UPDATE CURRENT_TIMESTAMP`.
"""

import csv
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

PATIENT_DATA = "patient_data"
USERS = "users"
FACILITY = "facility"

_Type: TypeAlias = "sa.types.TypeEngine[Any]"

_COLUMNS = Path(__file__).with_name("tables.csv")
_INNODB: dict[str, Any] = {
    f"{server}_{option}": value
    for server in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"))
}


def _native(kind: _Type, of_mysql: _Type) -> _Type:
    return kind.with_variant(of_mysql, "mysql", "mariadb")


def _as_text(kind: _Type) -> _Type:
    return kind.with_variant(sa.String(26), "sqlite")


_TYPES: dict[str, Callable[..., _Type]] = {
    "bigint": lambda: _native(sa.Integer(), sa.BigInteger()),
    "int": sa.Integer,
    "mediumint": lambda: _native(sa.Integer(), mysql.MEDIUMINT()),
    "smallint": sa.SmallInteger,
    "tinyint": lambda: _native(sa.SmallInteger(), mysql.TINYINT()),
    "decimal": sa.Numeric,
    "float": sa.Float,
    "char": sa.CHAR,
    "varchar": sa.String,
    "enum": sa.Enum,
    "tinytext": lambda: _native(sa.Text(), mysql.TINYTEXT()),
    "text": sa.Text,
    "longtext": lambda: _native(sa.Text(), mysql.LONGTEXT()),
    "binary": lambda length: _native(sa.LargeBinary(length), mysql.BINARY(length)),
    "date": lambda: _as_text(sa.Date()),
    "time": lambda: _as_text(sa.Time()),
    "datetime": lambda: _as_text(sa.DateTime()),
    "timestamp": lambda: _as_text(sa.TIMESTAMP()),
}


@cache
def schema() -> sa.MetaData:
    """Describe all tables; in `patient_data` `id` counts rows, `pid` is what others point at."""
    columns: dict[str, list[sa.Column[Any]]] = {}
    with _COLUMNS.open(newline="") as file:
        for row in csv.DictReader(file):
            columns.setdefault(row["table"], []).append(_column(row))
    made = sa.MetaData()
    for name, some in columns.items():
        sa.Table(name, made, *some, **_INNODB)
    return made


def _column(row: dict[str, str]) -> sa.Column[Any]:
    return sa.Column(
        row["column"],
        _type(row["type"]),
        primary_key=row["key"] == "primary",
        unique=row["key"] == "unique",
        nullable=row["nullable"] == "yes",
        server_default=sa.text(row["default"]) if row["default"] else None,
    )


def _type(spelled: str) -> _Type:
    name, _, rest = spelled.partition("(")
    arguments = re.findall(r"'(\w+)'|(\d+)", rest)
    return _TYPES[name](*(text or int(number) for text, number in arguments))
