"""What is particular to SQLite: the file, its lock, its errors."""

import sqlite3
from pathlib import Path

import pytest

from medplum_migration.adapters.sqlite_table import SqliteTable
from medplum_migration.adapters.table import Item
from medplum_migration.domain.errors import UnavailableError


def test_tables_share_a_file_and_survive(tmp_path: Path) -> None:
    """Several tables live in one file, in write-ahead mode, and are there when reopened."""
    path = tmp_path / "bookkeeping.db"
    control, manifest = SqliteTable.open(path, "control"), SqliteTable.open(path, "manifest")
    control.put("p", "s", {"of": "control"}, expected_revision=0)
    manifest.put("p", "s", {"of": "manifest"}, expected_revision=0)
    control.close()
    manifest.close()
    again = SqliteTable.open(path, "control")
    assert Item("p", "s", {"of": "control"}, (1, 0)) == again.get("p", "s")
    again.close()
    connection = sqlite3.connect(path)
    assert ("wal",) == connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()


def test_locked_file(tmp_path: Path) -> None:
    """A writer that never ends makes the table unavailable; readers go on."""
    path = tmp_path / "bookkeeping.db"
    table = SqliteTable.open(path, "control", wait_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="OperationalError") as raised:
        table.put("MRN-00417", "s", {}, expected_revision=0)
    assert table.get("MRN-00417", "s") is None
    assert "MRN-00417" not in str(raised.value)
    assert raised.value.__suppress_context__
    other.close()
    table.close()
