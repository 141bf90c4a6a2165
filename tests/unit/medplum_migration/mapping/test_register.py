"""The mapping register: each column with its path, source, and what becomes of odd values."""

from functools import partial
from types import MappingProxyType

from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.register import (
    Entry,
    exported,
    markdown,
    register,
    resource_types,
    text,
)
from tests.unit.medplum_migration.cli import fork

VISITS = {entry.column: entry for entry in register(fork.visits)}
PEOPLE = {entry.column: entry for entry in register(fork.people)}


def test_every_column_has_one_line() -> None:
    """Mapped ones first."""
    assert fork.people.columns == PEOPLE.keys()
    assert len(fork.people.columns) == len(register(fork.people))
    assert ["number", "surname", "sex", "clinic", "blood", "score", "notes"] == list(PEOPLE)


def test_joined_columns_and_children_are_told_by_their_tables() -> None:
    """The name in the row model may be another one."""
    assert "visit.weight" == VISITS["weight"].source
    assert "clinic.name" == VISITS["place"].source
    assert "rows of note" == VISITS["remarks"].source


def test_paths_name_resource_and_part() -> None:
    """What all parts share stands once; the key goes into an identifier for each."""
    base = "Observation.identifier[system=https://example.org/id/visit"

    assert "Observation.valueString (weight)" == VISITS["weight"].path
    assert "Observation.valueQuantity (height)" == VISITS["height"].path
    assert "Observation.bodySite.text" == VISITS["place"].path
    assert f"{base}/weight].value, {base}/height].value" == VISITS["visit"].path
    assert VISITS["visit"].path == VISITS["line"].path


def test_what_becomes_of_odd_values_is_told() -> None:
    """Found out by trying."""
    assert "no record" == PEOPLE["number"].missing
    assert "left out" == PEOPLE["sex"].missing
    assert (
        "quarantined: holds a control character; not in the code table codes/sex.csv; not text"
    ) == PEOPLE["sex"].invalid
    assert "codes/sex.csv" == PEOPLE["sex"].codes
    assert ("lossy", "case is lost") == (PEOPLE["surname"].lossy, PEOPLE["surname"].why)
    assert Entry("score", "person.score", "excluded", why="not clinical") == PEOPLE["score"]


class Row(LegacyRow):
    """A row with one name."""

    key: Text
    name: Text


class Called(Mapping[Row]):
    """An element whose function has no name of its own."""

    element, resource, row = "names", "Patient", Row
    table, key, system = "name", "key", "urn:name"
    aliases = MappingProxyType({"name": "class"})
    fields = (Field("name", "language.text", partial(str.replace, "a", "b"), str),)


def test_a_function_without_a_name_is_told_by_its_kind() -> None:
    """A partial has none."""
    assert ("", "partial") == tuple(entry.transform for entry in register(Called()))


def test_a_column_with_another_name_is_told_by_its_own() -> None:
    """As the table spells it."""
    assert ["name.key", "name.class"] == [entry.source for entry in register(Called())]


def test_an_export_is_for_programs() -> None:
    """With what holds for the element as a whole."""
    told = exported(fork.people)

    assert ["clinics"] == told["needs"]
    assert "nobody writes there" == told["one_way"]
    assert ["visit", "line"] == exported(fork.visits)["key"]
    assert 7 == len(told["columns"])
    assert ("Observation",) == resource_types(fork.visits)


def test_text_fits_a_hundred_columns() -> None:
    """Only what has no blank may be longer."""
    shown = text(fork.people)

    assert shown.startswith("# people: person to Patient\n")
    assert "  one way: nobody writes there\n" in shown
    assert "surname: direct (lossy)\n" in shown
    assert "  profile http" not in shown
    assert "  profile http" in text(fork.clinics)
    assert [] == [line for line in shown.splitlines() if len(line) > 100 and " " in line.strip()]


def test_markdown_is_a_table() -> None:
    """A bar in a cell does not part it."""
    shown = markdown(fork.visits)
    rows = [line for line in shown.splitlines() if line.startswith("| ")]

    assert {11} == {row.replace("\\|", "").count("|") for row in rows}
    assert "- after people\n" in shown
