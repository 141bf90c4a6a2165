"""What sources declare is read alike from three databases: conditions, joins, children."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.source import PRESENT, Children, Join, Source
from tests.contract.legacy_clinic import CODES, PROVIDER, TABLES, VISITS, Clinic, visits
from tests.contract.legacy_databases import SQL, empty_database


@pytest.fixture(params=SQL)
def clinic(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clinic]:
    """Offer the clinic on each database."""
    with empty_database(request.param, tmp_path) as dsn, closing(Clinic(dsn)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"kind": "home"}, ["1", "4"]),
        ({"kind": ("home", "phone")}, ["1", "3", "4"]),
        ({"kind": ("home",), "provider": (20, 99)}, ["4"]),
        ({"provider": 10}, ["1", "2"]),
        ({"kind": ()}, []),
        ({"note": PRESENT}, ["1", "4"]),
        ({"supervisor": PRESENT}, ["1", "3", "4"]),
        ({"day": PRESENT}, []),
    ],
)
def test_conditions(clinic: Clinic, where: dict[str, Any], expected: list[str]) -> None:
    """A column equals a value, is one of several, or is neither NULL nor empty."""
    assert expected == list(clinic.rows(visits(where=where)))


@pytest.mark.parametrize("where", [{"kind": 1}, {"provider": "10"}, {"provider": (10, "20")}])
def test_conditions_of_another_type_are_refused(clinic: Clinic, where: dict[str, Any]) -> None:
    """A text is not compared with an integer: databases disagree on what that means."""
    with pytest.raises(ConfigurationError, match="compares a text with an integer"):
        clinic.rows(visits(where=where))


def test_an_optional_join_adds_columns(clinic: Clinic) -> None:
    """A record without the joined row keeps existing, with NULL in its place."""
    expected = {"1": "ann", "2": "ann", "3": None, "4": "bo"}
    rows = clinic.rows(visits("kind", joins=(PROVIDER,)))
    assert expected == {key: row["provider_name"] for key, row in rows.items()}
    assert {"kind": "home", "provider_name": "ann"} == rows["1"]


def test_a_required_join_decides_what_exists(clinic: Clinic) -> None:
    """A record without the joined row does not exist; its condition is part of the join."""
    required = replace(PROVIDER, required=True)
    assert ["1", "2", "4"] == list(clinic.rows(visits(joins=(required,))))
    picky = replace(required, where={"facility": PRESENT})
    assert ["1", "2"] == list(clinic.rows(visits(joins=(picky,))))
    optional = replace(picky, required=False)
    assert 4 == len(clinic.rows(visits(joins=(optional,))))


def test_joins_chain(clinic: Clinic) -> None:
    """A join may go on from what an earlier one has read, under its name in the row model."""
    provider = replace(PROVIDER, columns={"provider_facility": "facility"})
    facility = Join("facility", on={"code": "provider_facility"}, columns={"city": "city"})
    rows = clinic.rows(visits(joins=(provider, facility)))
    assert ["Oslo", "Oslo", None, None] == [row["city"] for row in rows.values()]
    required = replace(facility, required=True)
    assert ["1", "2"] == list(clinic.rows(visits(joins=(provider, required))))


def test_one_table_joined_twice(clinic: Clinic) -> None:
    """Each join of a table has a row of its own, the base table's included."""
    supervisor = Join("user", on={"id": "supervisor"}, columns={"supervisor_name": "name"})
    rows = clinic.rows(visits(joins=(PROVIDER, supervisor)))
    expected = [("ann", "bo"), ("ann", None), (None, "ann"), ("bo", "bo")]
    assert expected == [tuple(row.values()) for row in rows.values()]
    previous = Join("visit", on={"id": "id"}, columns={"again": "kind"})
    assert "home" == clinic.rows(visits("kind", joins=(previous,)))["1"]["again"]


def test_a_relation_between_text_and_integer_is_exact(clinic: Clinic) -> None:
    """A text belongs to an integer only if it spells it: neither 12abc nor 010 does."""
    desk = Join("user", on={"id": "desk"}, columns={"desk_name": "name"})
    rows = clinic.rows(visits(joins=(desk,)))
    assert ["ann", None, None, None] == [row["desk_name"] for row in rows.values()]
    at = Children("at", "visit", on={"desk": "id"}, columns=("id",), order_by=("id",))
    users = Source("user", ("id",), (), children=(at,))
    assert [[{"id": 1}], [], []] == [row["at"] for row in clinic.rows(users).values()]


def test_several_joined_rows_are_an_error(clinic: Clinic) -> None:
    """A join that finds two rows is told with its table, also when a page ends between them."""
    join = Join("code", on={"visit": "id"}, columns={"code": "code"})
    for limit in (1, 9):
        with pytest.raises(ConfigurationError, match="several rows of a record") as caught:
            clinic.store(visits(joins=(join,))).page(VISITS, after=None, upto=None, limit=limit)
        assert {"element": VISITS, "joined": "code"} == caught.value.fields


def test_children_come_in_order(clinic: Clinic) -> None:
    """Children are a list of objects with plain values, empty when there are none."""
    dated = replace(CODES, columns=("code", "day"))
    rows = clinic.rows(visits(children=(dated,)))
    leap_day = "2024-02-29"
    expected = [
        [{"code": "x", "day": None}, {"code": "c", "day": None}, {"code": "b", "day": leap_day}],
        [{"code": "", "day": None}, {"code": "z", "day": None}], [], [],
    ]  # fmt: skip
    assert expected == [row["codes"] for row in rows.values()]


def test_children_by_several_columns_and_conditions(clinic: Clinic) -> None:
    """A relation may name several columns, those of joins included, and leave rows out."""
    same_kind = replace(CODES, on={"visit": "id", "kind": "kind"}, where={"code": PRESENT})
    rows = clinic.rows(visits(children=(same_kind,)))
    expected = [[{"code": "c"}, {"code": "b"}], [{"code": "z"}], [], []]
    assert expected == [row["codes"] for row in rows.values()]
    provider = replace(PROVIDER, columns={"where": "facility"})
    at = Children("at", "facility", on={"code": "where"}, columns=("city",), order_by=("code",))
    rows = clinic.rows(visits(joins=(provider,), children=(at, CODES)))
    assert [[{"city": "Oslo"}]] * 2 + [[], []] == [row["at"] for row in rows.values()]
    assert [3, 2, 0, 0] == [len(row["codes"]) for row in rows.values()]


def test_a_page_costs_few_queries(clinic: Clinic) -> None:
    """A page takes a query, one more for each `Children`, and one for the versions."""
    store = clinic.store(visits(joins=(PROVIDER,), children=(CODES, replace(CODES, name="more"))))
    store.page(VISITS, after=None, upto=None, limit=9)
    clinic.statements.clear()
    store.page(VISITS, after=None, upto=None, limit=9)
    assert 4 == len([text for text in clinic.statements if text.startswith("SELECT")])


@pytest.mark.parametrize("call", ["read", "page"])
def test_children_are_of_the_snapshot_of_their_record(clinic: Clinic, call: str) -> None:
    """A commit between the queries of a read shows in neither row, children nor version."""
    store = clinic.store(visits("kind", joins=(PROVIDER,), children=(CODES,)))
    calls = {
        "read": lambda: store.read(VISITS, ["2"]),
        "page": lambda: store.page(VISITS, after="1", upto="2", limit=5),
    }
    [before] = calls[call]()
    clinic.during_read = {
        "child_0": lambda: clinic.write("DELETE FROM code"),
        "medplum_version": lambda: clinic.capture("2"),
    }
    assert [before] == calls[call]()
    assert {} == clinic.during_read
    [after] = calls[call]()
    assert (0, []) == (before.version, (after.row or {})["codes"])
    assert after.version > 0


def test_an_update_may_end_a_record(clinic: Clinic) -> None:
    """With a required join, deletions tell every captured record that does not exist now."""
    store = clinic.store(visits(joins=(replace(PROVIDER, required=True),)))
    for key, operation in (("1", "upsert"), ("3", "upsert"), ("8", "delete")):
        clinic.capture(key, operation)
    gone, _ = store.deletions(VISITS, after=None, limit=9)
    assert [("3", None), ("8", None)] == [(record.key, record.row) for record in gone]


MISSING = [
    (visits(joins=(replace(PROVIDER, table="staff"),)), "staff", ""),
    (visits(joins=(replace(PROVIDER, columns={"n": "nick"}),)), "user", "nick"),
    (visits(joins=(replace(PROVIDER, on={"uid": "provider"}),)), "user", "uid"),
    (visits(joins=(replace(PROVIDER, on={"id": "nobody"}),)), "visit", "nobody"),
    (visits(joins=(replace(PROVIDER, where={"gone": 0}),)), "user", "gone"),
    (visits(children=(replace(CODES, table="codes"),)), "codes", ""),
    (visits(children=(replace(CODES, columns=("label",)),)), "code", "label"),
    (visits(children=(replace(CODES, order_by=("seq",)),)), "code", "seq"),
    (visits(children=(replace(CODES, on={"visit_id": "id"}),)), "code", "visit_id"),
    (visits(children=(replace(CODES, where={"gone": 0}),)), "code", "gone"),
]


@pytest.mark.parametrize(("source", "table", "column"), MISSING)
def test_what_is_missing_is_named(clinic: Clinic, source: Source, table: str, column: str) -> None:
    """A declared table or column that the database lacks is told by name, before any row."""
    with pytest.raises(ConfigurationError) as caught:
        clinic.store(source).count(VISITS)
    expected = {"element": VISITS, "table": table} | ({"column": column} if column else {})
    assert expected == caught.value.fields


def test_columns_are_those_that_exist_now(clinic: Clinic) -> None:
    """Columns are all of the base table's, and what joins and children can add as things are."""
    names = {"provider_name": "name", "nick": "nick"}
    store = clinic.store(visits(joins=(replace(PROVIDER, columns=names),), children=(CODES,)))
    base = {column.name for column in TABLES["visit"].columns}
    assert base | {"provider_name", "codes"} == store.columns(VISITS)
    clinic.write("ALTER TABLE code RENAME COLUMN rank TO place")
    clinic.write("DROP TABLE " + ('"user"' if clinic.engine.name == "postgresql" else "user"))
    assert base == store.columns(VISITS)


@pytest.mark.parametrize(
    "source",
    [
        visits("kind", joins=(replace(PROVIDER, columns={"kind": "name"}),)),
        visits(joins=(PROVIDER, PROVIDER)),
        visits(joins=(PROVIDER,), children=(replace(CODES, name="provider_name"),)),
        visits(children=(CODES, CODES)),
    ],
)
def test_names_must_differ(clinic: Clinic, source: Source) -> None:
    """A row model cannot hold two columns of one name."""
    with pytest.raises(ConfigurationError, match="two columns one name"):
        clinic.store(source).count(VISITS)


def test_a_time_of_day_is_iso_text(clinic: Clinic) -> None:
    """A time of day reads the same from every database, though MySQL's driver gives durations."""
    clinic.write("CREATE TABLE hours (id INTEGER PRIMARY KEY, opens TIME, shuts TIME)")
    clinic.write("INSERT INTO hours VALUES (1, '08:05:00', '00:00:00')")
    rows = clinic.rows(Source("hours", ("id",), ("opens", "shuts")))
    assert {"1": {"opens": "08:05:00", "shuts": "00:00:00"}} == rows
