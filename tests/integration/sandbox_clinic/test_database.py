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
from sandbox.clinic.people import USER_IDS, ZERO_DATE, oddity

pytestmark = pytest.mark.integration

_NOW = {"date_created", "last_updated"}


TABLES = {"patient_data": "pid", "users": "id", "facility": "id"}


def records_of(path_or_url: str, table: str = "patient_data") -> list[LegacyRecord]:
    """Read all columns of all rows of a table."""
    engine = snapshot_engine(clinic_url(path_or_url))
    with closing(SqlLegacyStore(engine, {table: Source(table, (TABLES[table],))})) as store:
        return store.page(table, after=None, upto=None, limit=9999)


def test_rows_are_the_same_on_every_database(tmp_path: Path, mariadb_url: str) -> None:
    """One seed gives one set of records, never captured, in numeric order of the key."""
    places = str(tmp_path / "clinic.db"), mariadb_url
    for place in places:
        create_clinic(place, patients=300, seed=11, odd_share=0.05)
    for table in TABLES:
        sqlite, mariadb = (records_of(place, table) for place in places)
        differing = {
            (table, name)
            for ours, theirs in zip(sqlite, mariadb, strict=True)
            for name, value in (ours.row or {}).items()
            if (theirs.row or {})[name] != value and name not in _NOW
        }
        assert set() == differing
        assert [r.key for r in sqlite] == [r.key for r in mariadb]
        assert {0} == {record.version for record in sqlite}
        assert sorted(int(r.key) for r in sqlite) == [int(r.key) for r in sqlite]
    patients = records_of(mariadb_url)
    assert ZERO_DATE in {(record.row or {})["financial_review"] for record in patients}


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_every_element_finds_its_tables(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each column has a disposition; those who work in the clinic map, and the rest is empty."""
    path = str(tmp_path / "clinic.db")
    place = path if database == "sqlite" else request.getfixturevalue("mariadb_url")
    create_clinic(place, patients=5, seed=1)
    held, undecided = {}, {}
    with closing(open_store(clinic_url(place))) as store:
        for mapping in MAPPINGS:
            undecided[mapping.element] = store.columns(mapping.element) ^ mapping.columns
            page = store.page(mapping.element, after=None, upto=None, limit=99)
            mapped = [mapping.to_fhir(record.row or {}) for record in page]
            assert not any(isinstance(made, Quarantine) for made in mapped)
            held[mapping.element] = len(mapped)

    assert set() == {(e, column) for e, columns in undecided.items() for column in columns}
    everybody = {"organizations": 1, "locations": 1, "patients": 5}
    staff = len(USER_IDS)
    everybody |= {"practitioners": staff, "practitioner_roles": staff}
    assert everybody == {element: number for element, number in held.items() if number}


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
