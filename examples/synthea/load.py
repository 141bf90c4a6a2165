"""Import: Synthea's CSV files in, a SQLite file with capture out.

`python -m examples.synthea.load FOLDER synthea.db` reads `FOLDER/*.csv` or `*.csv.gz`. Every column
is text, as legacy imports are. What the import adds: `rownum`, the line in the file, as the key of
tables without one; PANEL in `observations`, see `elements/observation_panels.py`; the view of the
panels; and the outbox with its triggers.
"""

import argparse
import csv
import gzip
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from examples.synthea.capture import install
from examples.synthea.elements.observation_panels import KEY, PANELS
from examples.synthea.elements.observations import ALONE
from sandbox.clinic.database import clinic_engine, write_transaction

CsvRow: TypeAlias = Mapping[str, str]

KEYED = (
    *("organizations", "payers", "providers", "patients"),
    *("encounters", "careplans", "imaging_studies", "claims"),
)
"""Files with a column `Id`."""
NUMBERED = (
    *("conditions", "allergies", "medications", "observations"),
    *("procedures", "immunizations", "devices", "supplies"),
)
"""Files without a key."""
_VIEW = f"CREATE VIEW observation_panels AS SELECT DISTINCT {', '.join(KEY)}, CATEGORY"


def load(folder: Path, path: Path) -> None:
    """Fill a new SQLite file; the rows are older than capture, so their version is 0."""
    engine = clinic_engine(path)
    try:
        tables = {name: list(read(folder, name)) for name in (*KEYED, *NUMBERED)}
        create(engine, {name: list(rows[0]) for name, rows in tables.items()})
        with write_transaction(engine) as connection:
            for name, rows in tables.items():
                for number, row in enumerate(rows, 1):
                    write(connection, name, number, row)
        install(engine)
    finally:
        engine.dispose()


def read(folder: Path, name: str) -> Iterator[CsvRow]:
    """Read a file, packed or not."""
    plain = folder / f"{name}.csv"
    packed = plain.with_suffix(".csv.gz")
    content = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    yield from csv.DictReader(io.StringIO(content.decode(), newline=""))


def create(engine: sa.Engine, headers: Mapping[str, Sequence[str]]) -> None:
    """Create a table for each file, and the view of the panels."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with engine.begin() as connection:
        for name, header in headers.items():
            columns = ", ".join(f"{column} TEXT NOT NULL" for column in header if column != "Id")
            key = "rownum INTEGER PRIMARY KEY" if name in NUMBERED else "Id TEXT PRIMARY KEY"
            panel = f", PANEL TEXT NOT NULL DEFAULT '{ALONE}'" if name == "observations" else ""
            connection.exec_driver_sql(f"CREATE TABLE {name} ({key}, {columns}{panel})")
        connection.exec_driver_sql(
            f"CREATE INDEX panel_rows ON observations ({', '.join(KEY)}) WHERE PANEL <> '{ALONE}'"
        )
        connection.exec_driver_sql(f"{_VIEW} FROM observations WHERE PANEL <> '{ALONE}'")


def write(connection: sa.Connection, name: str, number: int, row: CsvRow) -> None:
    """Insert a row, or update the one with its key; `number` is its line in the file."""
    values: dict[str, str | int] = dict(row)
    if name in NUMBERED:
        values["rownum"] = number
    if name == "observations":
        panel = PANELS.forward.get(row["CODE"])
        values["PANEL"] = panel.code if panel else ALONE
    key = "rownum" if name in NUMBERED else "Id"
    columns, marks = ", ".join(values), ", ".join(f":{column}" for column in values)
    news = ", ".join(f"{column} = excluded.{column}" for column in values if column != key)
    statement = (
        f"INSERT INTO {name} ({columns}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {news}"  # noqa: S608 because names are ours and the files' headers
    )
    connection.execute(sa.text(statement), values)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the import."""
    parser = argparse.ArgumentParser(prog="examples.synthea.load", description=__doc__)
    parser.add_argument("folder", type=Path, help="Synthea's output/csv")
    parser.add_argument("path", type=Path, help="the SQLite file to make")
    options = parser.parse_args(arguments)
    if options.path.exists():
        parser.error("the SQLite file is there already")
    load(options.folder, options.path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
