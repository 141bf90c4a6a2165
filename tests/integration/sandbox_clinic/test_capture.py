"""Capture: one outbox row for each change, in the transaction of the change."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.mysql import VARCHAR as MYSQL_VARCHAR

from medplum_migration.adapters.legacy_sql import OUTBOX
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.source import join_key
from sandbox.clinic import capture
from sandbox.clinic.database import CAPTURED, create_clinic, write_transaction

pytestmark = pytest.mark.integration

INSERT = "INSERT INTO patient_data (id, pid) VALUES (5000, 7000)"


def outbox(connection: sa.Connection) -> list[tuple[str, str]]:
    """List keys and operations in the order of their sequence."""
    query = sa.select(OUTBOX.c.record_key, OUTBOX.c.operation).order_by(OUTBOX.c.sequence)
    return [(key, operation) for key, operation in connection.execute(query)]


def run(engine: sa.Engine, *statements: str) -> list[tuple[str, str]]:
    """Commit statements in one transaction; list the outbox afterwards."""
    with write_transaction(engine) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    with engine.connect() as connection:
        return outbox(connection)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (INSERT, [("7000", "upsert")]),
        ("UPDATE patient_data SET fname = 'x' WHERE id = 3", [("{3}", "upsert")]),
        ("UPDATE patient_data SET fname = fname WHERE id = 3", [("{3}", "upsert")]),
        ("DELETE FROM patient_data WHERE id = 3", [("{3}", "delete")]),
        (
            "UPDATE patient_data SET pid = 7000 WHERE id = 3",
            [("{3}", "delete"), ("7000", "upsert")],
        ),
        (
            "UPDATE patient_data SET sex = 'UNK' WHERE id < 3",
            [("{1}", "upsert"), ("{2}", "upsert")],
        ),
        ("DELETE FROM patient_data WHERE id = 9999", []),
    ],
)
def test_each_change_is_captured(
    clinic: sa.Engine, statement: str, expected: list[tuple[str, str]]
) -> None:
    """A change of one row gives one outbox row, a change of its key two; nothing gives none."""
    with clinic.connect() as connection:
        pids = [
            0,
            *connection.exec_driver_sql("SELECT pid FROM patient_data ORDER BY id").scalars(),
        ]
    named = [(key.format(*pids), operation) for key, operation in expected]
    assert named == run(clinic, statement)


def test_row_and_outbox_commit_together(clinic: sa.Engine) -> None:
    """The outbox row is there before the commit, and gone with a rollback."""
    with write_transaction(clinic) as connection:
        connection.exec_driver_sql(INSERT)
        assert [("7000", "upsert")] == outbox(connection)
        connection.rollback()
    with clinic.connect() as connection:
        assert [] == outbox(connection)


def test_replaced_rows_are_captured(clinic: sa.Engine) -> None:
    """REPLACE pushes out the row with the same `id`: its key is deleted, the new one is there."""
    [*_, deleted, upserted] = run(clinic, INSERT, INSERT.replace("INSERT", "REPLACE")
                                  .replace("7000", "7001"))  # fmt: skip
    assert [("7000", "delete"), ("7001", "upsert")] == [deleted, upserted]


def test_sequences_are_never_used_twice(clinic: sa.Engine) -> None:
    """Versions keep growing even if outbox rows are removed."""
    run(clinic, INSERT)
    with write_transaction(clinic) as connection:
        last = connection.scalar(sa.select(sa.func.max(OUTBOX.c.sequence)))
        connection.execute(OUTBOX.delete())
    run(clinic, "DELETE FROM patient_data WHERE pid = 7000")
    with clinic.connect() as connection:
        assert last + 1 == connection.scalar(sa.select(sa.func.max(OUTBOX.c.sequence)))


def test_capture_can_be_removed_and_installed_again(clinic: sa.Engine) -> None:
    """Removal stops capture and keeps the outbox; installing twice captures once."""
    run(clinic, INSERT)
    capture.remove(clinic, CAPTURED)
    assert 1 == len(run(clinic, "UPDATE patient_data SET fname = 'x' WHERE pid = 7000"))
    capture.install(clinic, CAPTURED)
    capture.install(clinic, CAPTURED)
    assert 2 == len(run(clinic, "DELETE FROM patient_data WHERE pid = 7000"))


def test_keys_that_a_collation_holds_equal(clinic: sa.Engine) -> None:
    """A key that changes only in case, or gains a blank, is another record."""
    length = "TEXT" if clinic.dialect.name == "sqlite" else "VARCHAR(20)"
    with write_transaction(clinic) as connection:
        connection.exec_driver_sql(f"CREATE TABLE `odd name` (`key` {length} PRIMARY KEY)")
    capture.install(clinic, {"odd name": "key"})
    changes = "INSERT INTO `odd name` VALUES ('abc')", "UPDATE `odd name` SET `key` = 'ABC'"
    expected = [("abc", "upsert"), ("abc", "delete"), ("ABC", "upsert"), ("ABC", "delete")]
    more = ("UPDATE `odd name` SET `key` = 'ABC '",)
    assert [*expected, ("ABC ", "upsert")] == run(clinic, *changes, *more)


LINES = sa.Table(
    "order line",
    sa.MetaData(),
    sa.Column("order", sa.BigInteger()),
    sa.Column(
        "c`d",
        sa.String(64).with_variant(MYSQL_VARCHAR(64, charset="utf8mb4"), "mysql", "mariadb"),
    ),
    sa.UniqueConstraint("order", "c`d"),
)
HOSTILE = ["", "a|b", "a", "~", "~7c", "~7c|", "|", "'", '"', "\\", "ß山𝄞", "\uff5c\uff5e", "%s"]


def install_lines(engine: sa.Engine) -> None:
    """Create a table with a composite key, and capture it."""
    LINES.create(engine)
    capture.install(engine, {LINES.name: ("order", "c`d")})


def test_composite_keys_are_spelled_as_the_reader_spells_them(clinic: sa.Engine) -> None:
    """Whatever the key columns hold, the outbox has the text of `join_key`."""
    install_lines(clinic)
    expected = []
    for number, part in enumerate(HOSTILE):
        with write_transaction(clinic) as connection:
            connection.execute(LINES.insert().values({"order": number, "c`d": part}))
        expected.append((join_key([str(number), part]), "upsert"))
    with clinic.connect() as connection:
        assert expected == outbox(connection)


def test_a_moved_composite_key_is_two_records(clinic: sa.Engine) -> None:
    """A change of any key column deletes one record and upserts another."""
    install_lines(clinic)
    statements = (
        "INSERT INTO `order line` VALUES (1, 'a')",
        "UPDATE `order line` SET `c``d` = 'A'",
        "UPDATE `order line` SET `order` = 2",
        "UPDATE `order line` SET `order` = 2",
        "DELETE FROM `order line`",
    )
    keys = [("1|a", "upsert"), ("1|a", "delete"), ("1|A", "upsert")]
    keys += [("1|A", "delete"), ("2|A", "upsert"), ("2|A", "upsert"), ("2|A", "delete")]
    assert keys == run(clinic, *statements)


def test_null_in_a_key_column_is_not_captured(clinic: sa.Engine) -> None:
    """A row without a key is no record; the application may write it all the same."""
    install_lines(clinic)
    statements = (
        "INSERT INTO `order line` VALUES (1, NULL)",
        "UPDATE `order line` SET `order` = 2",
        "UPDATE `order line` SET `c``d` = 'a'",
        "UPDATE `order line` SET `order` = NULL",
        "DELETE FROM `order line`",
    )
    assert [("2|a", "upsert"), ("2|a", "delete")] == run(clinic, *statements)


def test_other_databases_are_refused() -> None:
    """Capture says for which databases it is written."""
    engine = sa.create_engine("postgresql+psycopg://nowhere/none")
    with pytest.raises(ConfigurationError, match="capture is written for"):
        capture.triggers(engine.dialect, "patient_data", "pid")
    engine.dispose()


def test_a_clinic_is_not_filled_twice(clinic: sa.Engine) -> None:
    """Creating a clinic where one is leaves it alone."""
    url = clinic.url.render_as_string(hide_password=False)
    with pytest.raises(ConfigurationError, match="a clinic already"):
        create_clinic(url, patients=1, seed=1)
