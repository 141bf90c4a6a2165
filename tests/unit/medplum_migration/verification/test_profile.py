"""The profile of legacy columns: counts, and never a value."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest

from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.mapping.columns import LegacyRow, TextLink
from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.verification import profile as profiling
from medplum_migration.verification.profile import (
    SENTINELS,
    ColumnProfile,
    Profile,
    ReadsAllColumns,
    is_sentinel,
    profile,
)
from tests.unit.medplum_migration.cli import fork

PERSON = {"number": 1, "surname": "Oak", "sex": "M", "clinic": "north"}


def people(*changes: dict[str, Any]) -> Profile:
    """Profile records of the fork's people."""
    rows = [PERSON | {"number": number} | change for number, change in enumerate(changes, 1)]
    return profile(fork.people, [LegacyRecord(str(n), 1, row) for n, row in enumerate(rows, 1)])


def column(found: Profile, name: str) -> ColumnProfile:
    """Pick a column."""
    return next(one for one in found.columns if one.column == name)


def test_every_value_is_counted_in_one_way() -> None:
    """Populated, NULL, blank and sentinel add up to the records."""
    values: tuple[object, ...] = ("Oak", "Elm", None, "", "  ", "unknown", [], [1])
    surname = column(people(*({"surname": value} for value in values)), "surname")

    assert (3, 2, 2, 1) == (surname.populated, surname.null, surname.blank, surname.sentinel)


@pytest.mark.parametrize(
    "text",
    [
        *SENTINELS,
        *("0", "0.00", "-0", "000", " N/A ", "UNKNOWN"),
        *("0000-00-00", "0000-00-00 00:00:00", "1900-01-01 00:00:00", "1900-01-01T00:00:00.000"),
    ],
)
def test_sentinels(text: str) -> None:
    """Words, zeros and dates that often stand for a missing value."""
    assert is_sentinel(text)


@pytest.mark.parametrize("text", ["1", "00:00:00", "1900-01-02", "none of them", "0 mg", "1900"])
def test_what_is_no_sentinel(text: str) -> None:
    """What only looks alike is a value."""
    assert not is_sentinel(text)


def test_different_values_are_counted_up_to_a_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly below it, and no more than that beyond it."""
    monkeypatch.setattr(profiling, "DISTINCT_COUNTED", 3)
    few = people(*({"surname": name} for name in ("a", "b", "a", "c")))
    many = people(*({"surname": name} for name in "abcdefg"))

    assert "3" == column(few, "surname").distinct
    assert "more than 3" == column(many, "surname").distinct


def test_codes_that_are_not_in_the_table() -> None:
    """Rows are counted; a missing code is not one of them."""
    found = people(*({"sex": sex} for sex in ("M", "F", "X", "m", "", None)))

    assert ("codes/sex.csv", 2) == (column(found, "sex").codes, column(found, "sex").outside)
    assert ["column sex: 2 records hold a code that is not in codes/sex.csv"] == list(
        found.findings()
    )


class NumberedRow(LegacyRow):
    """A row with a coded number."""

    key: int
    class_: TextLink


class Numbered(Mapping[NumberedRow]):
    """An element whose codes are numbers, in a column that Python cannot spell."""

    element, resource, row = "numbered", "Patient", NumberedRow
    table, key, system = "numbered", "key", "urn:numbered"
    aliases = MappingProxyType({"class_": "class"})
    fields = (Field("class_", "gender", fork.SEX.decode, fork.SEX.encode),)


def test_codes_are_read_as_the_row_model_does() -> None:
    """What is missing there is no code, and what does not fit is another matter."""
    rows = ({"class": value} for value in (0, "", None, 7, "7", "none"))
    found = profile(Numbered(), [LegacyRecord(str(n), 1, row) for n, row in enumerate(rows)])

    assert ["class_"] == [one.column for one in found.columns]
    assert 2 == column(found, "class_").outside


def test_dropped_data_is_told() -> None:
    """Populated and in no resource; a decision is only missing where nobody has made one."""
    found = people({"blood": "A", "score": 7, "notes": "x", "forgotten": None}, {"blood": None})

    assert {"blood", "score", "notes"} == {c.column for c in found.columns if c.is_dropped}
    assert [
        "column blood: unsupported, and 1 records fill it",
        "column forgotten: has no disposition",
    ] == list(found.findings())


def test_columns_that_were_not_read_are_left_out() -> None:
    """The store gave none of their values."""
    assert set(PERSON) == {one.column for one in people({}).columns}
    assert () == people().columns


def test_children_are_one_column() -> None:
    """Populated when there is one."""
    row = {"visit": 1, "line": 1, "person": 7, "weight": "70", "remarks": [{"text": "x"}]}
    found = profile(fork.visits, [LegacyRecord("1|1", 1, row)])

    assert 1 == column(found, "remarks").populated


def keyed(*keys: str) -> Iterator[LegacyRecord]:
    """Make records with these keys."""
    return (LegacyRecord(key, 1, {"code": key, "name": "x"}) for key in keys)


@pytest.mark.parametrize(
    ("keys", "nearly_alike", "encoded"),
    [
        (("a", "b"), 0, 0),
        (("a", "A"), 1, 0),
        (("a", "a ", " a"), 2, 2),
        (("7", "007"), 1, 0),
        (("a", "\uff41"), 1, 1),
        (("a,b", "a|b"), 0, 2),
    ],
)
def test_keys(keys: tuple[str, ...], nearly_alike: int, encoded: int) -> None:
    """Case, blanks, zeros and width are easily lost on the way; other characters get encoded."""
    found = profile(fork.clinics, keyed(*keys))

    assert (nearly_alike, encoded) == (found.keys.nearly_alike, found.keys.encoded)
    assert bool(nearly_alike) == any(finding.startswith("key: ") for finding in found.findings())


def test_the_comparison_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the table."""
    monkeypatch.setattr(profiling, "KEYS_COMPARED", 2)
    found = profile(fork.clinics, keyed("a", "b", "A"))

    assert (2, 0, 3) == (found.keys.compared, found.keys.nearly_alike, found.records)


def test_stores_that_read_all_columns_are_recognised() -> None:
    """Others give what mappings read."""
    assert isinstance(fork.Wide(), ReadsAllColumns)
    assert not isinstance(MemoryLegacyStore(), ReadsAllColumns)
