"""Capture on three databases: every change of a record, from whichever table, and nothing else."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.mysql import VARCHAR as MYSQL_VARCHAR

from medplum_migration.mapping.source import PRESENT, Source, join_key
from tests.contract.captured_clinic import ADDRESS, SOURCE, Captured, Told
from tests.contract.legacy_databases import BIGINT, SQL, empty_database

pytestmark = pytest.mark.integration

VISITS_MADE = (
    "INSERT INTO visit (id, kind, provider)"
    " VALUES (1, 'home', 10), (2, 'clinic', 10), (3, 'phone', 20)"
)
SETTING = (
    "INSERT INTO facility VALUES ('F1', 'Oslo'), ('F2', 'Bergen')",
    "INSERT INTO USER VALUES (10, 'ann', 'F1', 1), (20, 'bo', NULL, 0)",
    VISITS_MADE,
)
CODE = "INSERT INTO code VALUES (1, 'home', 1, 'x', NULL)"


@pytest.fixture(params=SQL)
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Offer an empty database of each kind."""
    with empty_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def clinic(dsn: str) -> Iterator[Captured]:
    """Offer a clinic with three visits, two of which are records."""
    with closing(Captured(dsn)) as opened:
        assert [("1", "upsert"), ("3", "upsert")] == opened.write(*SETTING)
        yield opened


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO visit (id, kind) VALUES (4, 'home')", [("4", "upsert")]),
        ("INSERT INTO visit (id, kind) VALUES (4, 'clinic')", []),
        ("INSERT INTO visit (id, kind) VALUES (4, NULL)", []),
        ("UPDATE visit SET note = 'b' WHERE id = 1", [("1", "upsert")]),
        ("UPDATE visit SET note = 'b' WHERE id = 2", []),
        ("UPDATE visit SET kind = 'clinic' WHERE id = 1", [("1", "delete")]),
        ("UPDATE visit SET kind = NULL WHERE id = 1", [("1", "delete")]),
        ("UPDATE visit SET kind = 'phone' WHERE id = 1", [("1", "upsert")]),
        ("UPDATE visit SET kind = 'home' WHERE id = 2", [("2", "upsert")]),
        ("UPDATE visit SET id = 7 WHERE id = 1", [("1", "delete"), ("7", "upsert")]),
        ("UPDATE visit SET id = 7, kind = 'x' WHERE id = 1", [("1", "delete")]),
        ("UPDATE visit SET note = 'b'", [("1", "upsert"), ("3", "upsert")]),
        ("DELETE FROM visit WHERE id = 1", [("1", "delete")]),
        ("DELETE FROM visit WHERE id = 2", []),
        ("DELETE FROM visit", [("1", "delete"), ("3", "delete")]),
        ("UPDATE visit SET note = 'b' WHERE id = 99", []),
    ],
)
def test_changes_of_the_base_row(clinic: Captured, statement: str, expected: Told) -> None:
    """What enters, stays in or leaves the element is told; rows of other elements are not."""
    assert expected == sorted(clinic.write(statement))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE USER SET name = 'cy' WHERE id = 10", ["1"]),
        ("UPDATE USER SET name = name", []),
        ("UPDATE USER SET name = 'Ann' WHERE id = 10", ["1"]),
        ("UPDATE USER SET active = 1 WHERE id = 20", ["3"]),
        ("UPDATE USER SET active = 0 WHERE id = 10", ["1"]),
        ("UPDATE USER SET name = 'x' WHERE id = 20", []),
        ("UPDATE USER SET id = 11 WHERE id = 10", ["1"]),
        ("DELETE FROM USER", ["1"]),
        ("INSERT INTO USER VALUES (99, 'new', NULL, 1)", []),
        ("UPDATE facility SET city = 'Tromso'", ["1"]),
        ("UPDATE facility SET code = 'F3' WHERE code = 'F1'", ["1"]),
        ("UPDATE facility SET city = 'Tromso' WHERE code = 'F2'", []),
        ("DELETE FROM facility WHERE code = 'F1'", ["1"]),
    ],
)
def test_changes_of_joined_rows(clinic: Captured, statement: str, expected: list[str]) -> None:
    """A joined row tells of the records that it belongs to, before or after, through chains too."""
    assert [(key, "upsert") for key in expected] == clinic.write(statement)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (CODE, ["1"]),
        ("INSERT INTO code VALUES (2, 'clinic', 1, 'x', NULL)", []),
        ("INSERT INTO code VALUES (1, 'phone', 1, 'x', NULL)", []),
        ("INSERT INTO code VALUES (NULL, 'home', 1, 'x', NULL)", []),
        ("UPDATE code SET rank = 5", ["1"]),
        ("UPDATE code SET day = '2026-01-02'", []),
        ("UPDATE code SET visit = 3, kind = 'phone'", ["1", "3"]),
        ("UPDATE code SET visit = NULL", ["1"]),
        ("DELETE FROM code", ["1"]),
    ],
)
def test_changes_of_children(clinic: Captured, statement: str, expected: list[str]) -> None:
    """A child tells of its record; one that moves, of both; one that is nobody's, of none."""
    if not statement.startswith("INSERT"):
        clinic.write(CODE)
    statement = statement.replace("rank", clinic.quote("rank"))
    assert [(key, "upsert") for key in expected] == sorted(clinic.write(statement))


WRITE = "INTO visit (id, kind) VALUES (1, 'home')"
CONFLICTS = {
    "sqlite": (f"INSERT OR REPLACE {WRITE}", f"INSERT OR IGNORE {WRITE}"),
    "mysql": (f"REPLACE {WRITE}", f"INSERT IGNORE {WRITE}"),
    "postgresql": (
        f"INSERT {WRITE} ON CONFLICT (id) DO UPDATE SET note = 'x'",
        f"INSERT {WRITE} ON CONFLICT DO NOTHING",
    ),
}


def test_writes_that_settle_conflicts(clinic: Captured) -> None:
    """How the application settles conflicts with old rows is no matter to what is captured."""
    replaced, ignored = CONFLICTS[clinic.engine.dialect.name]
    for _ in range(3):
        assert ("1", "upsert") == clinic.write(replaced)[-1]
        assert [] == clinic.write(ignored)
    version, deleted = clinic.versions()["1"]
    assert (clinic.highest()["1"], False) == (version, deleted)


def test_versions_are_the_highest_sequences(clinic: Captured) -> None:
    """A record's version is its last sequence, which says whether it is gone; rows keep growing."""
    clinic.write("UPDATE visit SET note = 'b'", "UPDATE visit SET note = 'c' WHERE id = 1")
    clinic.write("DELETE FROM visit WHERE id = 3")
    assert {"1": (3, False), "3": (3, True)} == clinic.versions()
    assert {"1": 3, "3": 3} == clinic.highest()
    clinic.outbox.remove(clinic.outbox.waiting(99))
    assert [] == clinic.rows()
    clinic.write("INSERT INTO visit (id, kind) VALUES (3, 'home')")
    assert [("3", 4, "upsert")] == clinic.rows()
    assert [("1", 3, "c"), ("3", 4, None)] == [
        (r.key, r.version, (r.row or {})["note"]) for r in clinic.store.read("visits", ["1", "3"])
    ]


def test_a_rollback_leaves_nothing(clinic: Captured) -> None:
    """What is captured commits or vanishes with the write, and its numbers with it."""
    before = clinic.rows(), clinic.versions()
    with clinic.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("UPDATE visit SET note = 'b'")
        connection.exec_driver_sql("DELETE FROM visit")
        connection.rollback()
    assert before == (clinic.rows(), clinic.versions())
    clinic.write("UPDATE visit SET note = 'b' WHERE id = 1")
    assert (2, False) == clinic.versions()["1"]


def test_a_required_join_is_told_as_a_change(dsn: str) -> None:
    """A record that ends with its joined row is told; read, it has no row, and is a deletion."""
    required = replace(SOURCE, joins=(replace(ADDRESS, required=True),), children=())
    with closing(Captured(dsn, required)) as clinic:
        clinic.write(*SETTING)
        assert [("1", "upsert")] == clinic.write("DELETE FROM USER WHERE id = 10")
        [record] = clinic.store.read("visits", ["1"])
        assert (None, 2) == (record.row, record.version)
        gone, _ = clinic.store.deletions("visits", after=None, limit=9)
        assert ["1", "3"] == [record.key for record in gone]


LINES = sa.Table(
    "order line",
    sa.MetaData(),
    sa.Column("order", BIGINT),
    sa.Column(
        "c'd", sa.String(64).with_variant(MYSQL_VARCHAR(64, charset="utf8mb4"), "mysql", "mariadb")
    ),
    sa.UniqueConstraint("order", "c'd"),
)
LINE = Source("order line", ("order", "c'd"), where={"c'd": PRESENT})
HOSTILE = ["a|b", "a", "~", "~7c", "~7c|", "|", "'", '"', "\\", "ß山𝄞", "\uff5c\uff5e", "%s"]


def test_hostile_keys_are_spelled_as_the_reader_spells_them(dsn: str) -> None:
    """Whatever the key columns hold, outbox and versions have the text of `join_key`."""
    with closing(Captured(dsn, LINE, LINES)) as lines:
        expected = [(join_key([str(n), part]), "upsert") for n, part in enumerate(HOSTILE)]
        assert expected == sorted(lines.insert(LINES, *enumerate(HOSTILE)), key=expected.index)
        keys = [key for key, _ in expected]
        assert [(key, 1) for key in keys] == [
            (record.key, record.version)
            for record in lines.store.read("visits", keys)
            if record.row is not None
        ]


def test_null_or_a_long_text_in_a_key_is_no_record(dsn: str) -> None:
    """A row without a key, or with one that no event can carry, is written and not captured."""
    column = sa.Column("key", sa.String(300), unique=True)
    table = sa.Table("odd name", sa.MetaData(), column)
    with closing(Captured(dsn, Source("odd name", ("key",), ()), table)) as odd:
        longest = "x" * 256
        assert [(longest, "upsert")] == odd.insert(table, [None], ["x" * 257], [""], [longest])
        name = odd.quote("odd name"), odd.quote("key")
        assert [(longest, "delete")] == odd.write(f"UPDATE {name[0]} SET {name[1]} = NULL")  # noqa: S608 because names are ours


@pytest.mark.parametrize("other", ["ABC", "abc "])
def test_keys_that_a_collation_holds_equal(dsn: str, other: str) -> None:
    """A key that changes only in case, or gains a blank, is another record."""
    text = sa.String(20).with_variant(sa.String(20, collation="NOCASE"), "sqlite")
    table = sa.Table("odd name", sa.MetaData(), sa.Column("key", text, primary_key=True))
    with closing(Captured(dsn, Source("odd name", ("key",), ()), table)) as odd:
        odd.insert(table, ["abc"])
        name, key = odd.quote("odd name"), odd.quote("key")
        expected = sorted([("abc", "delete"), (other, "upsert")])
        told = odd.write(f"UPDATE {name} SET {key} = '{other}'")  # noqa: S608 because names are ours
        assert expected == sorted(told)
        assert {"abc": (2, True), other: (1, False)} == odd.versions()


def test_the_application_s_last_inserted_id_is_its_own(dsn: str) -> None:
    """Triggers change neither the id that the application asks for, nor the rows it counts."""
    table = sa.Table(
        "note", sa.MetaData(), sa.Column("id", BIGINT, primary_key=True), sa.Column("text", sa.Text)
    )
    asks = {
        "sqlite": "SELECT last_insert_rowid()",
        "mysql": "SELECT LAST_INSERT_ID()",
        "postgresql": "SELECT lastval()",
    }
    with closing(Captured(dsn, Source("note", ("id",), ("text",)), table)) as notes:
        notes.insert(table, [40, "a"])
        notes.write("UPDATE note SET text = 'b'", "DELETE FROM note")
        with notes.engine.begin() as connection:
            made = connection.execute(table.insert().values(text="c"))
            [key] = made.inserted_primary_key or (None,)
            assert key == connection.exec_driver_sql(asks[notes.engine.dialect.name]).scalar_one()
            changed = connection.exec_driver_sql("UPDATE note SET text = 'd'")
            assert 1 == changed.rowcount
            assert key == connection.exec_driver_sql(asks[notes.engine.dialect.name]).scalar_one()
        assert (2, False) == notes.versions()[str(key)]


def test_installing_is_idempotent_and_mends_drift(clinic: Captured) -> None:
    """A second installation finds nothing to do; what was dropped or changed is made again."""
    assert [] == clinic.capture.installation(["visits"])
    assert clinic.store.captures("visits")
    [trigger, *_] = [name for name in _triggers(clinic) if name.startswith("medplum_record")]
    table = clinic.quote("visit")
    on = f" ON {table}" if clinic.engine.dialect.name == "postgresql" else ""
    clinic.write(f"DROP TRIGGER {clinic.quote(trigger)}{on}")
    assert not clinic.store.captures("visits")
    [found] = clinic.capture.status(["visits"])
    assert ("drifted", (trigger,)) == (found.state, found.missing)
    clinic.capture.install()
    assert clinic.store.captures("visits")
    assert [("1", "upsert")] == clinic.write("UPDATE visit SET note = 'z' WHERE id = 1")


def test_another_source_is_drift(clinic: Captured) -> None:
    """A source that lost a join and gained a condition is told, and installed over the old one."""
    other = replace(SOURCE, joins=(ADDRESS,), where={"kind": "home"})
    changed = type(clinic.capture)(clinic.engine, {"visits": other})
    [found] = changed.status(["visits"])
    assert "drifted" == found.state
    assert () == found.missing
    assert found.changed
    assert all("joined_1" in name for name in found.left_over)
    assert found.left_over
    changed.install()
    assert "installed" == changed.status(["visits"])[0].state
    assert [("3", "delete")] != clinic.write("UPDATE visit SET note = 'z' WHERE id = 3")
    assert [] == clinic.write("UPDATE facility SET city = 'Molde'")


def test_removal_keeps_versions(clinic: Captured) -> None:
    """Removed triggers tell nothing more; versions and what waits stay, unless they are dropped."""
    clinic.capture.remove()
    assert [] == clinic.write("UPDATE visit SET note = 'z'")
    assert {"1": (1, False), "3": (1, False)} == clinic.versions()
    assert ["missing"] == [one.state for one in clinic.capture.status(["visits"])]
    clinic.capture.execute(clinic.capture.removal(["visits"], drop_tables=True))
    assert not sa.inspect(clinic.engine).has_table("medplum_version")
    assert [] == clinic.capture.removal(["visits"], drop_tables=True)


def test_a_lost_outbox_is_made_again(clinic: Captured) -> None:
    """Versions go on from where they were, whoever dropped the queue."""
    clinic.capture.execute(["DROP TABLE medplum_outbox"])
    assert not clinic.store.captures("visits")
    clinic.capture.install()
    assert [("1", "upsert")] == clinic.write("UPDATE visit SET note = 'z' WHERE id = 1")
    assert (2, False) == clinic.versions()["1"]


def _triggers(clinic: Captured) -> list[str]:
    clinic.capture.remove()
    [found] = clinic.capture.status(["visits"])
    clinic.capture.install()
    return list(found.missing)
