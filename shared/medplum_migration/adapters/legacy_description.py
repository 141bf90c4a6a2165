"""A legacy table as its catalogue describes it, for a data element that is yet to be written."""

from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.mapping.scaffold import Kind, LegacyColumn

_KINDS: tuple[tuple[type[sa.types.TypeEngine[Any]], Kind], ...] = (
    (sa.Boolean, Kind.FLAG),
    (sa.Integer, Kind.WHOLE),
    (sa.Numeric, Kind.DECIMAL),
    (sa.DateTime, Kind.LOCAL_TIME),
    (sa.Date, Kind.DAY),
    (sa.Time, Kind.CLOCK_TIME),
    (sa.String, Kind.TEXT),
    (sa.Uuid, Kind.TEXT),
)


def describe_table(engine: sa.Engine, table: str) -> tuple[LegacyColumn, ...]:
    """Read the columns of a table or view, in its order.

    Raises:
        ConfigurationError: it is missing; names those that are called alike.
        UnavailableError: the database does not answer.

    """
    try:
        with engine.connect() as connection:
            return _columns(sa.inspect(connection), table)
    except SQLAlchemyError as error:
        failure = type(error).__name__
    reason = "the legacy store did not answer"
    raise UnavailableError(reason, failure=failure) from None


def _columns(inspector: sa.Inspector, table: str) -> tuple[LegacyColumn, ...]:
    try:
        found = inspector.get_columns(table)
    except NoSuchTableError:
        reason, known = "the legacy table is missing", _alike(inspector, table)
        fields = {"table": table} | ({"known": known} if known else {})
        raise ConfigurationError(reason, **fields) from None
    keys = inspector.get_pk_constraint(table)["constrained_columns"]
    links = {n for key in inspector.get_foreign_keys(table) for n in key["constrained_columns"]}
    return tuple(
        LegacyColumn(
            name := str(column["name"]),
            _kind(column["type"]),
            sql=_spelled(column["type"]),
            nullable=bool(column["nullable"]),
            key=name in keys,
            link=name in links or name.lower().endswith("_id"),
        )
        for column in found
    )


def _alike(inspector: sa.Inspector, table: str) -> str:
    names = [*inspector.get_table_names(), *inspector.get_view_names()]
    return " ".join(get_close_matches(table, names))


def _kind(kind: sa.types.TypeEngine[Any]) -> Kind:
    if getattr(kind, "timezone", False):
        return Kind.OTHER
    if getattr(kind, "display_width", None) == 1:  # TINYINT(1), which MySQL calls BOOLEAN
        return Kind.FLAG
    return next((found for base, found in _KINDS if isinstance(kind, base)), Kind.OTHER)


def _spelled(kind: sa.types.TypeEngine[Any]) -> str:
    length = getattr(kind, "length", None)
    name = type(kind).__name__
    return f"{name}({length})" if isinstance(length, int) else name
