"""The legacy store in memory: versions, order of keys, lag."""

import pytest

from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import UnavailableError


def _store(*keys: str, numeric: bool = False) -> MemoryLegacyStore:
    store = MemoryLegacyStore(numeric=["patients"] if numeric else ())
    for key in keys:
        store.set("patients", key, {"pid": key})
    return store


def test_read_in_the_order_asked_for() -> None:
    """Records come in order; deleted ones have a version, unknown ones version 0."""
    store = _store("1", "2")
    assert 2 == store.set("patients", "1", {"pid": "1", "x": 2})
    assert 2 == store.delete("patients", "2")
    assert [
        LegacyRecord("2", 2, None),
        LegacyRecord("3", 0, None),
        LegacyRecord("1", 2, {"pid": "1", "x": 2}),
    ] == store.read("patients", ["2", "3", "1"])


def test_version_may_be_told() -> None:
    """A version can be set, and grows from there."""
    store = _store()
    assert 40 == store.set("patients", "1", {}, version=40)
    assert 41 == store.set("patients", "1", {})


@pytest.mark.parametrize(
    ("numeric", "order"), [(True, ["2", "9", "10", "11"]), (False, ["10", "11", "2", "9"])]
)
def test_pages_in_key_order(*, numeric: bool, order: list[str]) -> None:
    """Keys compare as numbers or as text, in pages, boundaries and their ends."""
    store = _store("9", "10", "2", "11", numeric=numeric)
    first = store.page("patients", after=None, upto=None, limit=3)
    assert order[:3] == [record.key for record in first]
    middle = store.page("patients", after=order[0], upto=order[2], limit=9)
    assert order[1:3] == [record.key for record in middle]
    assert (order[1], 2) == store.boundary("patients", after=None, size=2)
    assert (order[3], 1) == store.boundary("patients", after=order[2], size=2)
    assert store.boundary("patients", after=order[3], size=2) is None


def test_deleted_records_are_not_paged() -> None:
    """Pages, counts and boundaries see what exists."""
    store = _store("1", "2")
    store.delete("patients", "1")
    assert ["2"] == [r.key for r in store.page("patients", after=None, upto=None, limit=9)]
    assert (1, ("2", 1)) == (
        store.count("patients"),
        store.boundary("patients", after=None, size=9),
    )
    assert 0 == store.count("problems")


def test_lagging_reads() -> None:
    """A replica that lags answers with the state before the last change, as often as told."""
    store = _store("1")
    store.set("patients", "1", {"pid": "new"})
    store.lag("patients", "1", reads=2)
    versions = [store.read("patients", ["1"])[0].version for _ in range(3)]
    assert [1, 1, 2] == versions


def test_columns() -> None:
    """Columns are those of the first row, unless the schema drifts."""
    store = _store("1")
    assert frozenset({"pid"}) == store.columns("patients")
    store.set_columns("patients", ["pid", "dob"])
    assert frozenset({"pid", "dob"}) == store.columns("patients")
    assert frozenset() == store.columns("problems")


def test_snapshots_are_recorded() -> None:
    """Each call leaves what it saw."""
    store = _store("1", "2")
    store.read("patients", ["2"])
    store.page("patients", after=None, upto=None, limit=9)
    assert [("patients", (("2", 1),)), ("patients", (("1", 1), ("2", 1)))] == store.snapshots


def test_store_that_does_not_answer() -> None:
    """A store made unavailable fails every call."""
    store = _store("1")
    store.available = False
    with pytest.raises(UnavailableError):
        store.read("patients", ["1"])
    with pytest.raises(UnavailableError):
        store.columns("patients")
