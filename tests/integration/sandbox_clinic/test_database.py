"""The clinic's rows read the same from every database, zero dates included."""

from contextlib import closing
from pathlib import Path

import pytest

from data_elements import MAPPINGS
from legacy_store import open_store
from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.source import Source
from sandbox.clinic.database import clinic_url, create_clinic
from sandbox.clinic.people import ZERO_DATE, oddity

pytestmark = pytest.mark.integration


def records_of(path_or_url: str) -> list[LegacyRecord]:
    """Read all columns of all patients."""
    engine = snapshot_engine(clinic_url(path_or_url))
    with closing(SqlLegacyStore(engine, {"patients": Source("patient_data", ("pid",))})) as store:
        return store.page("patients", after=None, upto=None, limit=9999)


def records(path_or_url: str) -> list[LegacyRecord]:
    """Create a clinic and read all of it."""
    create_clinic(path_or_url, patients=300, seed=11, odd_share=0.05)
    return records_of(path_or_url)


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


def test_only_odd_rows_are_quarantined(tmp_path: Path) -> None:
    """The patients mapping accepts every row but those that are meant to be quarantined."""
    path = str(tmp_path / "clinic.db")
    create_clinic(path, patients=1000, seed=2, odd_share=0.05)
    with closing(open_store(clinic_url(path))) as store:
        page = store.page("patients", after=None, upto=None, limit=1000)
    [patients] = [mapping for mapping in MAPPINGS if mapping.element == "patients"]
    whole = {record.key: record.row or {} for record in records_of(path)}
    odd = {key for key, row in whole.items() if oddity(row)}
    refused = {r.key for r in page if isinstance(patients.to_fhir(r.row or {}), Quarantine)}
    assert odd == refused
    assert 30 < len(odd) < 80
