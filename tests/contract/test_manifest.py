"""Port `Manifest`: monotone entries, on every table."""

import pytest

from medplum_migration.adapters.manifest_table import ManifestTable
from medplum_migration.adapters.table import Table
from medplum_migration.domain.checkpoint import Disposition
from medplum_migration.ports.manifest import Manifest, ManifestEntry, ResourceRef


@pytest.fixture
def manifest(table: Table) -> Manifest:
    """Give the port under test."""
    return ManifestTable(table)


def _entry(
    key: str = "7", version: int = 1, mapping_version: int = 1, *, element: str = "patients"
) -> ManifestEntry:
    return ManifestEntry(
        element=element,
        key=key,
        version=version,
        mapping_version=mapping_version,
        disposition=Disposition.SUCCESSFUL,
        resources=(ResourceRef(resource_type="Patient", resource_id="i", version_id="v"),),
        content_hash="h",
        recorded_at=1.5,
    )


def test_unknown_record(manifest: Manifest) -> None:
    """A record that was never recorded has no entry."""
    assert manifest.get("patients", "7") is None


def test_round_trip(manifest: Manifest) -> None:
    """An entry comes back as recorded, whatever characters its key has."""
    for key in ("7", "a#b", "ä ,|", "x" * 256):
        assert [None] == manifest.record([_entry(key)])
        assert _entry(key) == manifest.get("patients", key)


@pytest.mark.parametrize(
    ("stored", "offered", "replaces"),
    [
        ((5, 1), (6, 1), True),
        ((5, 1), (5, 2), True),
        ((5, 1), (5, 1), True),
        ((5, 2), (5, 1), False),
        ((5, 1), (4, 2), False),
    ],
)
def test_monotone(
    manifest: Manifest, stored: tuple[int, int], offered: tuple[int, int], *, replaces: bool
) -> None:
    """An older entry never replaces a newer one; what stood there is told in any case."""
    first = _entry("7", *stored)
    second = _entry("7", *offered).model_copy(update={"content_hash": "h2"})
    manifest.record([first])
    assert [first] == manifest.record([second])
    assert (second if replaces else first) == manifest.get("patients", "7")


def test_many_in_order(manifest: Manifest) -> None:
    """A page of entries is answered entry by entry, in order."""
    page = [_entry(str(n)) for n in range(25)]
    assert [None] * 25 == manifest.record(page)
    newer = [_entry(str(n), 2) for n in range(24, 26)]
    assert [_entry("24"), None] == manifest.record(newer)


def test_entries_of_one_element(manifest: Manifest) -> None:
    """A report sees every entry of its element and none of another's, alike in name or not."""
    manifest.record([_entry(str(n)) for n in range(5)])
    manifest.record([_entry("1", element="patients_old"), _entry("1", element="problems")])
    found = manifest.entries("patients")
    assert [str(n) for n in range(5)] == sorted(entry.key for entry in found)
