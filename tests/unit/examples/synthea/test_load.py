"""The import: made-up files in; keys, panels, and an outbox of records out."""

import csv
import gzip
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from examples.synthea.elements import MAPPINGS
from examples.synthea.legacy_store import open_store
from examples.synthea.load import KEYED, NUMBERED, main
from sandbox.clinic.database import clinic_engine, write_transaction

_PANEL = "p-1|e-1|2024-01-31T09:05:00Z|85354-9"
_COLUMNS = {
    name: sorted({c for m in MAPPINGS if m.table == name for c in m.columns} - {"rownum", "PANEL"})
    for name in (*KEYED, *NUMBERED)
}
_ROW = {"DATE": "2024-01-31T09:05:00Z", "PATIENT": "p-1", "ENCOUNTER": "e-1"}
_OBSERVATIONS = [
    _ROW | {"CATEGORY": "vital-signs", "CODE": "8462-4", "VALUE": "80"},
    _ROW | {"CATEGORY": "vital-signs", "CODE": "29463-7", "VALUE": "70"},
    _ROW | {"CATEGORY": "vital-signs", "CODE": "8480-6", "VALUE": "120"},
    _ROW | {"CATEGORY": "", "CODE": "QALY", "VALUE": "1"},
]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Write a folder of files, one of them packed."""
    folder = tmp_path / "csv"
    folder.mkdir()
    for name, columns in _COLUMNS.items():
        rows = _OBSERVATIONS if name == "observations" else [dict.fromkeys(columns, "x")]
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
    plain = folder / "claims.csv"
    (folder / "claims.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    return folder


@pytest.fixture
def imported(files: Path, tmp_path: Path) -> Path:
    """Import them."""
    path = tmp_path / "synthea.db"
    assert 0 == main([str(files), str(path)])
    return path


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """Query the import."""
    engine = clinic_engine(path)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(statement))]
    engine.dispose()
    return found


def change(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """Change the import; give what the outbox holds then."""
    engine = clinic_engine(path)
    with write_transaction(engine) as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
    return rows(path, "SELECT element, record_key, operation FROM medplum_outbox ORDER BY sequence")


def test_rows(imported: Path) -> None:
    """Every file is a table; a row without a key has its line, a component its panel."""
    held = rows(imported, "SELECT rownum, CODE, PANEL FROM observations ORDER BY rownum")
    assert [
        (1, "8462-4", "85354-9"),
        (2, "29463-7", ""),
        (3, "8480-6", "85354-9"),
        (4, "QALY", ""),
    ] == held
    assert [(1,)] == rows(imported, "SELECT count(*) FROM claims")


def test_records(imported: Path) -> None:
    """The store sees one panel of two components, and one observation that stands alone."""
    store = open_store(f"sqlite:///{imported}")
    panels = store.page("observation_panels", after=None, upto=None, limit=9)
    alone = store.page("observations", after=None, upto=None, limit=9)
    store.close()
    assert [_PANEL] == [record.key for record in panels]
    assert ["8462-4", "8480-6"] == [row["CODE"] for row in (panels[0].row or {})["components"]]
    assert [("2", 0)] == [(record.key, record.version) for record in alone]


def test_imported_rows_are_not_captured(imported: Path) -> None:
    """The outbox begins empty."""
    assert [] == rows(imported, "SELECT * FROM medplum_outbox")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE observations SET VALUE = '121' WHERE rownum = 3",
            [("observation_panels", _PANEL, "upsert")] * 2,
        ),
        (
            "DELETE FROM observations WHERE rownum = 3",
            [("observation_panels", _PANEL, "upsert")],
        ),
        (
            "DELETE FROM observations WHERE PANEL <> ''",
            [("observation_panels", _PANEL, "upsert"), ("observation_panels", _PANEL, "delete")],
        ),
        ("DELETE FROM observations WHERE rownum = 2", [("observations", "2", "delete")]),
        ("DELETE FROM observations WHERE rownum = 4", []),
        ("UPDATE claims SET STATUS1 = 'CLOSED'", [("claims", "x", "upsert")]),
        ("DELETE FROM conditions", [("conditions", "1", "delete")]),
    ],
)
def test_capture(imported: Path, statement: str, expected: list[tuple[str, str, str]]) -> None:
    """A change of a row is an event of its record: itself, its panel, or none."""
    assert expected == change(imported, statement)


def test_a_file_that_is_there_stays(
    files: Path, imported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second import into the same file is refused, and changes nothing."""
    before = imported.read_bytes()
    with pytest.raises(SystemExit, match="2"):
        main([str(files), str(imported)])
    assert before == imported.read_bytes()
    assert "the SQLite file is there already" in capsys.readouterr().err
