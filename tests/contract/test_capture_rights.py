"""The application needs no rights on what capture writes, and cannot lead it elsewhere."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from legacy_store.connection import snapshot_engine
from tests.contract.captured_clinic import Captured
from tests.contract.legacy_databases import empty_database

pytestmark = pytest.mark.integration

INSERT = "INSERT INTO visit (id, kind) VALUES (1, 'home')"


@contextmanager
def clinic_on(server: str, folder: Path) -> Iterator[Captured]:
    """Offer a captured clinic."""
    with empty_database(server, folder) as dsn, closing(Captured(dsn)) as opened:
        yield opened


def test_postgresql(tmp_path: Path) -> None:
    """A role with rights on its tables alone is captured, past a table of its own."""
    role = f"application_{uuid4().hex[:12]}"
    with clinic_on("postgresql", tmp_path) as clinic:
        clinic.write(f"CREATE ROLE {role}", f"GRANT ALL ON visit TO {role}")
        with clinic.engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
            for name in ("medplum_outbox", "medplum_version"):
                connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {name} (element text)")
            connection.exec_driver_sql(INSERT)
            connection.exec_driver_sql("DROP TABLE pg_temp.medplum_outbox, pg_temp.medplum_version")
        with clinic.engine.connect() as connection:
            connection.exec_driver_sql(f"SET ROLE {role}")
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                connection.exec_driver_sql("SELECT * FROM medplum_version")
            connection.rollback()
            connection.exec_driver_sql("RESET ROLE")
        assert [("1", 1, "upsert")] == clinic.rows()
        clinic.write(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_mariadb(tmp_path: Path) -> None:
    """A user with rights on its tables alone is captured."""
    with clinic_on("mariadb", tmp_path) as clinic:
        url = sa.make_url(clinic.dsn)
        user, password = f"app_{uuid4().hex[:12]}", uuid4().hex
        clinic.write(
            f"create user {user}@'%%' IDENTIFIED BY '{password}'",
            f"GRANT SELECT, INSERT ON {url.database}.visit TO {user}@'%%'",
        )
        own = url.set(username=user, password=password).render_as_string(hide_password=False)
        with closing(_Closing(snapshot_engine(own))) as application:
            application.execute(INSERT)
            with pytest.raises(sa.exc.OperationalError, match="command denied"):
                application.execute("SELECT * FROM medplum_version")
        assert [("1", 1, "upsert")] == clinic.rows()
        clinic.write(f"drop user {user}@'%%'")


class _Closing:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine, self.close = engine, engine.dispose

    def execute(self, statement: str) -> None:
        """Commit a statement."""
        with self._engine.begin() as connection:
            connection.exec_driver_sql(statement)
