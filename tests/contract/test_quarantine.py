"""Port `Quarantine`: the newest version of each record that waits, on every table."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from medplum_migration.adapters.quarantine_table import QuarantineTable
from medplum_migration.adapters.table import Table
from medplum_migration.domain.change_event import Operation
from medplum_migration.ports.quarantine import Attempt, Quarantine, QuarantineEntry


@pytest.fixture
def quarantine(table: Table) -> Quarantine:
    """Give the port under test."""
    return QuarantineTable(table)


def _entry(key: str = "7", version: int = 3, *, element: str = "patients") -> QuarantineEntry:
    return QuarantineEntry(
        element=element,
        key=key,
        version=version,
        operation=Operation.UPSERT,
        code="Mapping",
        reason="not a calendar date",
        path="birthDate",
        quarantined_at=1.5,
    )


def test_round_trip(quarantine: Quarantine) -> None:
    """An entry comes back as put, with one attempt."""
    assert quarantine.get("patients", "7") is None
    quarantine.put(_entry())
    assert _entry() == quarantine.get("patients", "7")


@pytest.mark.parametrize("version", [3, 4])
def test_putting_again_counts(quarantine: Quarantine, version: int) -> None:
    """The same or a newer version replaces the entry, counts the attempt and remembers it."""
    quarantine.put(_entry())
    quarantine.put(_entry(version=version))
    first = Attempt(version=3, code="Mapping", path="birthDate", at=1.5)
    wanted = _entry(version=version).model_copy(update={"attempts": 2, "earlier": (first,)})
    assert wanted == quarantine.get("patients", "7")


def test_only_the_last_attempts_are_remembered(quarantine: Quarantine) -> None:
    """An entry does not grow without end; the latest attempt is the entry itself."""
    for version in range(15):
        quarantine.put(_entry(version=version))
    entry = quarantine.get("patients", "7")

    assert entry is not None
    assert (15, 14) == (entry.attempts, entry.version)
    assert list(range(5, 14)) == [attempt.version for attempt in entry.earlier]


def test_older_version_is_dropped(quarantine: Quarantine) -> None:
    """An entry with a higher version stays as it is."""
    quarantine.put(_entry())
    quarantine.put(_entry(version=2))
    assert _entry() == quarantine.get("patients", "7")


@pytest.mark.usefixtures("races")
def test_every_attempt_counts(quarantine: Quarantine) -> None:
    """Attempts that come at once are all counted."""
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: quarantine.put(_entry()), range(6)))
    entry = quarantine.get("patients", "7")
    assert entry is not None
    assert (6, 5) == (entry.attempts, len(entry.earlier))


def test_entries_by_key(quarantine: Quarantine) -> None:
    """The entries of an element are listed by key, and no others."""
    for key in ("b", "a", "ä", "B"):
        quarantine.put(_entry(key))
    quarantine.put(_entry("a", element="patients_old"))
    assert ["B", "a", "b", "ä"] == [entry.key for entry in quarantine.entries("patients")]


@pytest.mark.parametrize("upto_version", [3, 9])
def test_close(quarantine: Quarantine, upto_version: int) -> None:
    """What was applied at this version or a later one waits no more; closing twice is harmless."""
    quarantine.put(_entry())
    assert quarantine.close("patients", "7", upto_version=upto_version) is True
    assert quarantine.get("patients", "7") is None
    assert quarantine.close("patients", "7", upto_version=upto_version) is False


def test_close_spares_newer_versions(quarantine: Quarantine) -> None:
    """An entry newer than what was applied stays."""
    quarantine.put(_entry())
    assert quarantine.close("patients", "7", upto_version=2) is False
    assert _entry() == quarantine.get("patients", "7")
