"""What is particular to quarantine: contention on one entry."""

import pytest

from medplum_migration.adapters.memory import MemoryTable
from medplum_migration.adapters.quarantine_table import QuarantineTable
from medplum_migration.adapters.table import Body, Item
from medplum_migration.domain.change_event import Operation
from medplum_migration.domain.errors import ConflictError, UnavailableError
from medplum_migration.ports.quarantine import QuarantineEntry

ENTRY = QuarantineEntry(
    element="patients",
    key="7",
    version=1,
    operation=Operation.UPSERT,
    code="Mapping",
    reason="x",
    quarantined_at=1.0,
)


class _ContendedTable(MemoryTable):
    """Loses the first `losses` compare-and-sets."""

    losses = 0

    def put(self, pk: str, sk: str, body: Body, *, expected_revision: int) -> Item:
        self._lose()
        return super().put(pk, sk, body, expected_revision=expected_revision)

    def delete(self, pk: str, sk: str, *, expected_revision: int) -> None:
        self._lose()
        super().delete(pk, sk, expected_revision=expected_revision)

    def _lose(self) -> None:
        if self.losses:
            self.losses -= 1
            reason = "lost"
            raise ConflictError(reason)


def test_lost_races_are_run_again() -> None:
    """A lost compare-and-set is read and tried again, in putting and in closing."""
    table = _ContendedTable()
    quarantine = QuarantineTable(table)
    table.losses = 3
    quarantine.put(ENTRY)
    assert ENTRY == quarantine.get("patients", "7")
    table.losses = 3
    assert quarantine.close("patients", "7", upto_version=1)


def test_endless_contention_is_transient() -> None:
    """Races are not run for ever."""
    table = _ContendedTable()
    quarantine = QuarantineTable(table)
    quarantine.put(ENTRY)
    table.losses = 1000
    with pytest.raises(UnavailableError):
        quarantine.put(ENTRY)
    with pytest.raises(UnavailableError):
        quarantine.close("patients", "7", upto_version=1)
