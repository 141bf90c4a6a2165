"""Every record of an element, page by page: memory holds one page."""

from collections.abc import Iterator

from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.ports.legacy import LegacyStore


def records(
    legacy: LegacyStore, element: str, *, page_size: int, limit: int | None = None
) -> Iterator[LegacyRecord]:
    """Read existing records in key order, all of them or the first `limit`."""
    after: str | None = None
    left = limit
    while left is None or left > 0:
        size = page_size if left is None else min(page_size, left)
        page = legacy.page(element, after=after, upto=None, limit=size)
        yield from page
        if len(page) < size:
            return
        after = page[-1].key
        left = None if left is None else left - len(page)
