"""`register`: every column once, in three forms that say the same."""

import csv
import io
import json

from data_elements.patients import patients
from tests.unit.medplum_migration.cli.command import run


def test_every_column_is_listed_once() -> None:
    """A spreadsheet has a line for each column, and a reason where nothing is mapped."""
    done = run("register", "patients", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(done.out)))

    assert 0 == done.code
    assert patients.columns == {line["column"] for line in lines}
    assert len(patients.columns) == len({line["column"] for line in lines})
    assert [] == [line["column"] for line in lines if not line["path"] and not line["why"]]


def test_programs_read_the_same() -> None:
    """JSON names the mapping version, so that a register can be kept with a release."""
    told = json.loads(run("register", "patients", "--format", "json").out)

    assert ("patients", "patient_data", "Patient", patients.mapping_version) == tuple(
        told[name] for name in ("element", "table", "resource", "mapping_version")
    )
    assert patients.columns == {column["column"] for column in told["columns"]}


def test_people_read_a_table() -> None:
    """Markdown is the default."""
    done = run("register", "patients")

    assert done.out.startswith("# patients: patient_data to Patient\n")
    assert "| DOB | transformed | Patient.birthDate |" in done.out


def test_an_unknown_element_is_told() -> None:
    """A wrong name is a matter of configuration."""
    assert 3 == run("register", "nobody").code
