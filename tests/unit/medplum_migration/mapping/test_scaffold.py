"""Drafts of data elements: names that Python can spell, and a module that loads as it is."""

from pathlib import Path, PurePath
from typing import Any

import pytest

from medplum_migration.mapping import law
from medplum_migration.mapping.mapping import Mapping, Quarantine
from medplum_migration.mapping.scaffold import Draft, Kind, LegacyColumn, files, module, row_name


def draft(*columns: LegacyColumn, **attributes: Any) -> Draft:
    """Begin wards."""
    told = {"keys": ("no",), "where": {}, "package": "own", "base": "urn:clinic"} | attributes
    return Draft("wards", "Location", "ward", (LegacyColumn("no", Kind.WHOLE), *columns), **told)


def load(drafted: Draft) -> Mapping[Any]:
    """Run the module's text."""
    names: dict[str, Any] = {"__name__": "own.wards"}
    exec(module(drafted), names)  # noqa: S102 because it is what a draft is for
    made: Mapping[Any] = names["wards"]
    return made


@pytest.mark.parametrize(
    ("expected", "column"),
    [
        ("name", "name"),
        ("DOB", "DOB"),
        ("class_", "class"),
        ("copy_", "copy"),
        ("model_config_", "model_config"),
        ("Day_", "Day"),
        ("int_", "int"),
        ("odd_name", "odd name"),
        ("cost_", "cost$"),
        ("private", "__private"),
        ("column_2nd", "2nd"),
        ("column", "%"),
    ],
)
def test_names_for_columns(expected: str, column: str) -> None:
    """The column's own where a row model can have it."""
    assert expected == row_name(column)


def test_a_draft_loads() -> None:
    """All columns but the key are undecided; the draft maps to what names the record."""
    mapping = load(draft(LegacyColumn("class", Kind.TEXT), LegacyColumn("day", Kind.DAY)))

    assert ("class_", "day") == mapping.declaration.undecided
    assert {"class_": "class"} == mapping.aliases
    assert ("wards", "ward", "urn:clinic/ward") == (mapping.element, mapping.table, mapping.system)
    assert (
        {
            "resourceType": "Location",
            "identifier": [{"system": "urn:clinic/ward", "value": "7"}],
        },
    ) == mapping.to_fhir({"no": 7, "class_": "x", "day": None})
    assert Quarantine("7", "day", "not a day") == mapping.to_fhir(
        {"no": 7, "class_": "", "day": "soon"}
    )


def test_a_draft_with_many_odd_columns() -> None:
    """Lines that would be too long are broken; conditions keep their kind."""
    kinds = [LegacyColumn(f"{kind} {name}", kind) for kind in Kind for name in ("a", "b", "c")]
    where = {"no": 7, "text a": ("x", "y")}
    drafted = draft(*kinds, LegacyColumn("up_id", Kind.WHOLE, link=True), where=where)
    mapping = load(drafted)

    assert 100 >= max(map(len, module(drafted).splitlines()))
    assert where == mapping.where
    assert "urn:clinic/ward-wards" == mapping.system
    assert 2 + 3 * len(Kind) == len(mapping.columns)
    assert "up_id" in mapping.columns_read


def test_a_table_of_a_name_that_no_url_holds() -> None:
    """The identifier system stays in the safe alphabet."""
    drafted = Draft(
        *("wards", "Location", "ward beds", (LegacyColumn("no", Kind.TEXT),)),
        keys=("no",),
        where={},
        package="own",
        base="urn:clinic",
    )

    assert "urn:clinic/ward~20beds" == load(drafted).system


def test_files_beside_the_module() -> None:
    """A test with the laws, and a golden pair that is not signed."""
    written = files(draft(LegacyColumn("name", Kind.TEXT)), PurePath("tests"))

    assert [
        "tests/test_wards.py",
        "tests/goldens/wards/first.legacy.json",
        "tests/goldens/wards/first.fhir.json",
    ] == [path.as_posix() for path in written]
    assert "class TestWards(laws.Laws):" in written[PurePath("tests/test_wards.py")]


def test_an_unsigned_golden_pair_fails(tmp_path: Path) -> None:
    """Until a person has written what the row must become, and signed."""
    drafted = draft(LegacyColumn("name", Kind.TEXT))
    for path, text in files(drafted, tmp_path).items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)

    with pytest.raises(AssertionError, match=r"first\.legacy\.json is not signed"):
        law.golden(load(drafted), tmp_path / "goldens" / "wards")
