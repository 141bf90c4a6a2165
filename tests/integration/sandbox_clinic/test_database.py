"""The clinic's rows read the same from every database, zero dates included."""

from contextlib import closing
from pathlib import Path

import pytest

from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.legacy_sql import SqlLegacyStore, SqlSource
from medplum_migration.domain.data_element import LegacyRecord
from sandbox.clinic.database import clinic_url, create_clinic
from sandbox.clinic.people import ZERO_DATE

pytestmark = pytest.mark.integration


def records(path_or_url: str) -> list[LegacyRecord]:
    """Create a clinic and read all of it, all columns, as the migration would."""
    create_clinic(path_or_url, patients=300, seed=11, odd_share=0.05)
    engine = snapshot_engine(clinic_url(path_or_url))
    with closing(SqlLegacyStore(engine, {"patients": SqlSource("patient_data", "pid")})) as store:
        return store.page("patients", after=None, upto=None, limit=999)


def test_rows_are_the_same_on_every_database(tmp_path: Path, mariadb_url: str) -> None:
    """One seed gives one set of records, never captured, in numeric order of `pid`."""
    sqlite, mariadb = records(str(tmp_path / "clinic.db")), records(mariadb_url)
    differing = {
        name
        for ours, theirs in zip(sqlite, mariadb, strict=True)
        for name, value in (ours.row or {}).items()
        if (theirs.row or {})[name] != value
    }
    assert set() == differing
    assert [r.key for r in sqlite] == [r.key for r in mariadb]
    assert {0} == {record.version for record in sqlite}
    assert sorted(int(r.key) for r in sqlite) == [int(r.key) for r in sqlite]
    assert ZERO_DATE in {(record.row or {})["financial_review"] for record in mariadb}
