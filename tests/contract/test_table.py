"""Every document table: compare-and-set, monotone puts, order, paging."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from medplum_migration.adapters.table import Item, Table
from medplum_migration.domain.errors import ConflictError

Result = TypeVar("Result")


def test_get_nothing(table: Table) -> None:
    """An item that was never stored reads as None."""
    assert table.get("patients", "state") is None


def test_put_and_get(table: Table) -> None:
    """A document comes back as it was stored, with its revision."""
    body = {"text": "ä", "number": 1.5, "none": None, "list": [{"a": True}], "big": 2**62}
    assert Item("p", "s", body, (1, 0)) == table.put("p", "s", body, expected_revision=0)
    assert Item("p", "s", body, (1, 0)) == table.get("p", "s")


def test_put_over_the_revision_that_was_read(table: Table) -> None:
    """Each put raises the revision by one."""
    first = table.put("p", "s", {"n": 1}, expected_revision=0)
    second = table.put("p", "s", {"n": 2}, expected_revision=first.revision)
    assert second.revision == 2
    assert table.get("p", "s") == second


@pytest.mark.parametrize("expected", [0, 2, 7])
def test_put_over_another_revision_changes_nothing(table: Table, expected: int) -> None:
    """A revision that is not the stored one is a conflict, and the stored item stays."""
    held = table.put("p", "s", {"n": 1}, expected_revision=0)
    with pytest.raises(ConflictError):
        table.put("p", "s", {"n": 2}, expected_revision=expected)
    assert held == table.get("p", "s")


def test_put_over_nothing_with_a_revision_conflicts(table: Table) -> None:
    """A revision was read, but the item is gone: a conflict."""
    with pytest.raises(ConflictError):
        table.put("p", "s", {}, expected_revision=1)
    assert table.get("p", "s") is None


def test_delete(table: Table) -> None:
    """An item goes at the revision that was read, and only once."""
    table.put("p", "s", {}, expected_revision=0)
    table.delete("p", "s", expected_revision=1)
    assert table.get("p", "s") is None
    with pytest.raises(ConflictError):
        table.delete("p", "s", expected_revision=1)


def test_delete_at_another_revision_keeps_the_item(table: Table) -> None:
    """Somebody stored the item since it was read: a conflict."""
    held = table.put("p", "s", {}, expected_revision=0)
    with pytest.raises(ConflictError):
        table.delete("p", "s", expected_revision=2)
    assert held == table.get("p", "s")


@pytest.mark.parametrize(
    ("stored", "offered", "kept"),
    [
        ((5, 1), (6, 0), (6, 0)),
        ((5, 1), (5, 2), (5, 2)),
        ((5, 1), (5, 1), (5, 1)),
        ((5, 1), (5, 0), (5, 1)),
        ((5, 1), (4, 9), (5, 1)),
        ((10, 0), (9, 0), (10, 0)),
        ((2**62, 0), (2**62 + 1, 0), (2**62 + 1, 0)),
    ],
)
def test_order_never_decreases(
    table: Table, stored: tuple[int, int], offered: tuple[int, int], kept: tuple[int, int]
) -> None:
    """A lower order is dropped, an equal or higher one stored; what stood there is told."""
    first, second = Item("p", "s", {"n": 1}, stored), Item("p", "s", {"n": 2}, offered)
    assert [None] == table.put_if_newer([first])
    assert [first] == table.put_if_newer([second])
    assert Item("p", "s", {"n": 2 if kept == offered else 1}, kept) == table.get("p", "s")


def test_many_puts_answer_in_order(table: Table) -> None:
    """Each of many items is told what stood in its own place."""
    old = [Item(f"p{n}", "s", {"n": n}, (1, 0)) for n in range(30)]
    assert [None] * 30 == table.put_if_newer(old)
    assert old == table.put_if_newer([Item(i.pk, "s", {}, (2, 0)) for i in old])
    assert [] == table.put_if_newer([])


def test_query_is_ordered_and_bounded(table: Table) -> None:
    """A query sees one partition, one prefix, by code point, over all pages."""
    keys = ["chunk#10", "chunk#2", "chunk#é", "chunk#\U0001f600", "chunk#A", "run#1", "chunk"]
    for key in keys:
        table.put("p", key, {}, expected_revision=0)
    table.put("p2", "chunk#3", {}, expected_revision=0)
    wanted = ["chunk#10", "chunk#2", "chunk#A", "chunk#é", "chunk#\U0001f600"]
    assert wanted == [i.sk for i in table.query("p", sk_prefix="chunk#")]
    assert sorted(keys) == [i.sk for i in table.query("p")]
    assert [] == list(table.query("nobody"))


def test_prefix_is_case_sensitive_and_literal(table: Table) -> None:
    """Capitals differ, and characters that mean something elsewhere mean themselves."""
    for key in ("a_b", "axb", "A_b", "a%b"):
        table.put("p", key, {}, expected_revision=0)
    assert ["a_b"] == [i.sk for i in table.query("p", sk_prefix="a_")]
    assert ["a%b"] == [i.sk for i in table.query("p", sk_prefix="a%")]


def test_writing_while_reading_pages(table: Table) -> None:
    """Items may be stored while a query is under way."""
    for n in range(5):
        table.put("p", f"s{n}", {}, expected_revision=0)
    for item in table.query("p"):
        table.put(item.pk, item.sk, {"seen": True}, expected_revision=item.revision)
    assert all(item.body == {"seen": True} for item in table.query("p"))


def test_scan_reads_all_partitions_with_a_prefix(table: Table) -> None:
    """A scan finds every item of the partitions asked for, and no other."""
    table.put_if_newer([Item(f"patients#{n}", "record", {}, (1, 0)) for n in range(7)])
    table.put_if_newer([Item("patients_old#1", "record", {}, (1, 0))])
    wanted = {f"patients#{n}" for n in range(7)}
    assert wanted == {item.pk for item in table.scan(pk_prefix="patients#")}


@pytest.mark.usefixtures("races")
def test_one_of_many_wins_a_revision(table: Table) -> None:
    """Of twenty compare-and-sets over one revision exactly one succeeds."""
    table.put("p", "s", {"winner": None}, expected_revision=0)

    def attempt(n: int) -> int | None:
        try:
            table.put("p", "s", {"winner": n}, expected_revision=1)
        except ConflictError:
            return None
        return n

    winners = [n for n in _at_once(attempt) if n is not None]
    assert len(winners) == 1
    assert Item("p", "s", {"winner": winners[0]}, (2, 0)) == table.get("p", "s")


@pytest.mark.usefixtures("races")
def test_one_of_many_creates(table: Table) -> None:
    """Of twenty first puts exactly one succeeds."""

    def attempt(n: int) -> bool:
        try:
            table.put("p", "s", {"winner": n}, expected_revision=0)
        except ConflictError:
            return False
        return True

    assert sum(_at_once(attempt)) == 1


@pytest.mark.usefixtures("races")
def test_the_highest_of_many_orders_stays(table: Table) -> None:
    """Whatever the order of arrival, the highest order is what remains."""
    _at_once(lambda n: table.put_if_newer([Item("p", "s", {"n": n}, (n, 0))]))
    assert Item("p", "s", {"n": 19}, (19, 0)) == table.get("p", "s")


def _at_once(task: Callable[[int], Result]) -> list[Result]:
    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(task, range(20)))
