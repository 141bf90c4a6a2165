"""Reading records page by page: all of them once, or the first few."""

import pytest

from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.verification.reading import records


@pytest.mark.parametrize("number", [0, 1, 3, 4, 7])
@pytest.mark.parametrize("limit", [None, 1, 3, 4, 9])
def test_records_come_once_each_in_order(number: int, limit: int | None) -> None:
    """Whatever number fits a page, and whatever limit."""
    store = MemoryLegacyStore()
    for key in range(number):
        store.set("people", str(key), {"number": key})
    found = [record.key for record in records(store, "people", page_size=3, limit=limit)]

    assert [str(key) for key in range(number)][:limit] == found
    assert max(len(keys) for _, keys in store.snapshots) <= 3
