"""Port `LegacyStore` in memory: rows with versions that tests set, delete, and make lag."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import UnavailableError


class MemoryLegacyStore:
    """Tables of versioned rows; `numeric` names the elements whose keys compare as numbers.

    `snapshots` records what each call saw: element, and (key, version) pairs.
    """

    def __init__(self, *, numeric: Iterable[str] = ()) -> None:
        self._tables: dict[str, dict[str, list[LegacyRecord]]] = {}
        self._columns: dict[str, frozenset[str]] = {}
        self._numeric = frozenset(numeric)
        self._lags: dict[tuple[str, str], int] = {}
        self._lock = threading.RLock()
        self.available = True
        self.uncaptured: set[str] = set()
        self.snapshots: list[tuple[str, tuple[tuple[str, int], ...]]] = []

    def set(
        self, element: str, key: str, row: Mapping[str, Any] | None, *, version: int | None = None
    ) -> int:
        """Commit a row, or its deletion when `row` is None; return its version.

        Without `version` it is one above the last one of this record.
        """
        with self._lock:
            history = self._tables.setdefault(element, {}).setdefault(key, [])
            if version is None:
                version = history[-1].version + 1 if history else 1
            history.append(LegacyRecord(key, version, None if row is None else dict(row)))
            self._columns.setdefault(element, frozenset(row or ()))
            return version

    def delete(self, element: str, key: str, *, version: int | None = None) -> int:
        """Commit a deletion; return its version."""
        return self.set(element, key, None, version=version)

    def set_columns(self, element: str, columns: Iterable[str]) -> None:
        """Change the columns of a table; by default they are those of the first row set."""
        self._columns[element] = frozenset(columns)

    def lag(self, element: str, key: str, *, reads: int = 1) -> None:
        """Answer the next `reads` reads of a record with the state before its last change."""
        self._lags[element, key] = reads

    def read(self, element: str, keys: Sequence[str]) -> list[LegacyRecord]:
        """Read records by key, in the order asked for."""
        with self._lock:
            return self._seen(element, [self._record(element, key) for key in keys])

    def page(
        self, element: str, *, after: str | None, upto: str | None, limit: int
    ) -> list[LegacyRecord]:
        """Read up to `limit` existing records with keys in (`after`, `upto`], in key order."""
        with self._lock:
            order = self._order(element)
            found = self._after(element, after)
            if upto is not None:
                found = [r for r in found if order(r.key) <= order(upto)]
            return self._seen(element, found[:limit])

    def boundary(self, element: str, *, after: str | None, size: int) -> tuple[str, int] | None:
        """Find the key of the `size`-th record after `after`, or the last if there are fewer."""
        with self._lock:
            found = self._seen(element, self._after(element, after)[:size])
            return (found[-1].key, len(found)) if found else None

    def deletions(
        self, element: str, *, after: str | None, limit: int
    ) -> tuple[list[LegacyRecord], str | None]:
        """Read deleted records by key."""
        with self._lock:
            last = [history[-1] for history in self._tables.get(element, {}).values()]
            gone = sorted((r for r in last if r.row is None), key=lambda r: r.key)
            page = [r for r in gone if after is None or r.key > after][:limit]
            return self._seen(element, page), page[-1].key if page else None

    def count(self, element: str) -> int:
        """Count the records that exist."""
        with self._lock:
            return len(self._seen(element, self._after(element, None)))

    def captures(self, element: str) -> bool:
        """Every commit has a version, unless a test says otherwise in `uncaptured`."""
        self._answer()
        return element not in self.uncaptured

    def columns(self, element: str) -> frozenset[str]:
        """Name the columns that the element's table has now."""
        self._answer()
        return self._columns.get(element, frozenset())

    def _after(self, element: str, after: str | None) -> list[LegacyRecord]:
        order = self._order(element)
        records = (history[-1] for history in self._tables.get(element, {}).values())
        found = [
            r
            for r in records
            if r.row is not None and (after is None or order(r.key) > order(after))
        ]
        return sorted(found, key=lambda record: order(record.key))

    def _record(self, element: str, key: str) -> LegacyRecord:
        history = self._tables.get(element, {}).get(key, [])
        lag = self._lags.get((element, key), 0)
        if lag:
            self._lags[element, key] = lag - 1
            history = history[:-1]
        return history[-1] if history else LegacyRecord(key, 0, None)

    def _order(self, element: str) -> Callable[[str], tuple[int, str]]:
        if element in self._numeric:
            return lambda key: (int(key), "")
        return lambda key: (0, key)

    def _seen(self, element: str, records: list[LegacyRecord]) -> list[LegacyRecord]:
        self._answer()
        self.snapshots.append((element, tuple((r.key, r.version) for r in records)))
        return records

    def _answer(self) -> None:
        if not self.available:
            reason = "the legacy store does not answer"
            raise UnavailableError(reason)
