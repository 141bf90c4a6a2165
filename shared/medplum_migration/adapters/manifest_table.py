"""Port `Manifest` on a document table: one partition per record, so that load spreads."""

from collections.abc import Iterator, Sequence

from medplum_migration.adapters.table import Item, Table
from medplum_migration.ports.manifest import ManifestEntry

_RECORD = "record"


class ManifestTable:
    """Entries under (element, key), monotone by (version, mapping version)."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record(self, entries: Sequence[ManifestEntry]) -> list[ManifestEntry | None]:
        """Store entries; return, for each, the entry it replaced."""
        replaced = self._table.put_if_newer([_item(entry) for entry in entries])
        return [None if item is None else _entry(item) for item in replaced]

    def get(self, element: str, key: str) -> ManifestEntry | None:
        """Read one entry, strongly."""
        item = self._table.get(_partition(element, key), _RECORD)
        return None if item is None else _entry(item)

    def entries(self, element: str) -> Iterator[ManifestEntry]:
        """Read all entries of an element, in no order; a scan, for reports."""
        return map(_entry, self._table.scan(pk_prefix=_partition(element, "")))


def _item(entry: ManifestEntry) -> Item:
    body = entry.model_dump(mode="json")
    return Item(_partition(entry.element, entry.key), _RECORD, body, entry.order)


def _entry(item: Item) -> ManifestEntry:
    return ManifestEntry.model_validate(item.body)


def _partition(element: str, key: str) -> str:
    return f"{element}#{key}"
