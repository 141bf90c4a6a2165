"""Port `Quarantine` on a document table: one partition per element, listable without a scan."""

from collections.abc import Iterator

from medplum_migration.adapters.table import Table
from medplum_migration.domain.errors import ConflictError, UnavailableError
from medplum_migration.ports.quarantine import QuarantineEntry

_TRIES = 20


class QuarantineTable:
    """Entries under (element, key); a lost compare-and-set is read again."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, entry: QuarantineEntry) -> None:
        """Store an entry unless one with a higher version is there; it remembers that one."""
        for _ in range(_TRIES):
            held, revision = self._read(entry.element, entry.key)
            if held is not None and held.version > entry.version:
                return
            try:
                self._store(entry.after(held) if held else entry, revision)
            except ConflictError:
                continue
            return
        reason = "quarantine entry is contended"
        raise UnavailableError(reason, service="dynamodb", element=entry.element)

    def get(self, element: str, key: str) -> QuarantineEntry | None:
        """Read one entry."""
        return self._read(element, key)[0]

    def entries(self, element: str) -> Iterator[QuarantineEntry]:
        """Read all entries of an element, by key."""
        for item in self._table.query(_partition(element)):
            yield QuarantineEntry.model_validate(item.body)

    def close(self, element: str, key: str, *, upto_version: int) -> bool:
        """Remove an entry whose version is at most `upto_version`; tell whether one was removed."""
        for _ in range(_TRIES):
            held, revision = self._read(element, key)
            if held is None or held.version > upto_version:
                return False
            try:
                self._table.delete(_partition(element), key, expected_revision=revision)
            except ConflictError:
                continue
            return True
        reason = "quarantine entry is contended"
        raise UnavailableError(reason, service="dynamodb", element=element)

    def _read(self, element: str, key: str) -> tuple[QuarantineEntry | None, int]:
        item = self._table.get(_partition(element), key)
        if item is None:
            return None, 0
        return QuarantineEntry.model_validate(item.body), item.revision

    def _store(self, entry: QuarantineEntry, revision: int) -> None:
        self._table.put(
            _partition(entry.element),
            entry.key,
            entry.model_dump(mode="json"),
            expected_revision=revision,
        )


def _partition(element: str) -> str:
    return f"quarantine#{element}"
