"""Port `Outbox` over the table that the triggers fill."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from medplum_migration.adapters.capture_tables import NOW, OUTBOX
from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.ports.outbox import Captured, Lag

_COLUMNS = OUTBOX.c


class SqlOutbox:
    """Reads what has committed, and deletes by key what was published.

    Works at READ COMMITTED: on MySQL and MariaDB a delete must lock no gap that the application
    wants to insert into.
    """

    def __init__(self, engine: sa.Engine) -> None:
        isolated = engine.dialect.name != "sqlite"
        self._engine = (
            engine.execution_options(isolation_level="READ COMMITTED") if isolated else engine
        )
        self._now: sa.ColumnElement[int] = sa.literal_column(
            NOW[engine.dialect.name.replace("mariadb", "mysql")]
        )

    def close(self) -> None:
        """Close the pooled connections."""
        self._engine.dispose()

    def waiting(self, limit: int) -> list[Captured]:
        """Read captured writes by the time of their capture."""
        record = (_COLUMNS.element, _COLUMNS.record_key, _COLUMNS.sequence)
        query = sa.select(*record, _COLUMNS.operation)
        query = query.order_by(_COLUMNS.captured_at, *record).limit(limit)
        with self._transaction() as connection:
            return [Captured(*row) for row in connection.execute(query)]

    def remove(self, published: Sequence[Captured]) -> None:
        """Remove rows one by one, each by its whole key, in the order of keys.

        A list of keys may be looked for by reading the table: MariaDB then waits for rows that the
        application has not committed. One order for all lets two relays wait, and not block.
        """
        keys = sorted((row.element, row.key, row.sequence) for row in published)
        names = ("of_element", "of_key", "of_sequence")
        columns = (_COLUMNS.element, _COLUMNS.record_key, _COLUMNS.sequence)
        same = [c == sa.bindparam(n) for c, n in zip(columns, names, strict=True)]
        rows = [dict(zip(names, key, strict=True)) for key in keys]
        if rows:
            with self._transaction() as connection:
                connection.execute(OUTBOX.delete().where(*same), rows)

    def lag(self) -> Lag:
        """Measure by the database's own clock, which also stamped the rows."""
        oldest = self._now - sa.func.min(_COLUMNS.captured_at)
        query = sa.select(sa.func.count(), oldest).select_from(OUTBOX)
        with self._transaction() as connection:
            depth, age_ms = connection.execute(query).one()
        return Lag(int(depth), max(float(age_ms or 0), 0.0) / 1000)

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """Open a transaction; let no driver error out: it quotes rows."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            failure = type(error).__name__
        else:
            return
        if self._is_missing():
            reason = "the outbox is missing: install capture first"
            raise ConfigurationError(reason)
        reason = "the outbox did not answer"
        raise UnavailableError(reason, failure=failure)

    def _is_missing(self) -> bool:
        try:
            return not sa.inspect(self._engine).has_table(OUTBOX.name)
        except SQLAlchemyError:
            return False
