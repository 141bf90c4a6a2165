"""How to connect to the legacy database: a URL in, an engine that reads snapshots out."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from medplum_migration.domain.errors import ConfigurationError

_DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "sqlite": "sqlite",
}
_CONNECT: dict[str, dict[str, Any]] = {
    "mysql": {"connect_timeout": 5, "read_timeout": 30},
    "mariadb": {"connect_timeout": 5, "read_timeout": 30},
    "postgresql": {"connect_timeout": 5, "options": "-c statement_timeout=30000"},
}
# A Lambda function works on one event at a time; it may wake after its connection was dropped.
_POOL = {"pool_size": 2, "max_overflow": 2, "pool_pre_ping": True, "pool_recycle": 300}


def snapshot_engine(dsn: str) -> sa.Engine:
    """Make an engine whose transactions see one snapshot each, and whose errors hide parameters.

    `sqlite:///path`, `mysql://…`, `mariadb://…` and `postgresql://…` get their drivers.

    Raises:
        ConfigurationError: the text is not such a URL.

    """
    try:
        url = sa.make_url(dsn)
    except SQLAlchemyError:
        url = None
    kind = url.drivername.partition("+")[0] if url is not None else ""
    if url is None or kind not in _DRIVERS:
        reason = "not the URL of a SQLite, MySQL, MariaDB or PostgreSQL database"
        raise ConfigurationError(reason)
    url = url.set(drivername=_DRIVERS[kind])
    if kind == "sqlite":
        return sa.create_engine(url, hide_parameters=True)
    return sa.create_engine(
        url,
        isolation_level="REPEATABLE READ",
        connect_args=_CONNECT[url.get_backend_name()],
        hide_parameters=True,
        **_POOL,
    )
