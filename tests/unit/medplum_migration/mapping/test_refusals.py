"""What a mapping says to values that are missing or do not fit."""

from datetime import date

from medplum_migration.mapping.columns import Day, LegacyRow, Text
from medplum_migration.mapping.field import Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.refusals import Refusals
from medplum_migration.mapping.transforms import DAY, in_order


def _period(start: date, end: date | None) -> dict[str, str]:
    if start is None:
        refuse("an end without a start", column="ended")
    return {"start": start.isoformat(), "end": "" if end is None else end.isoformat()}


class Row(LegacyRow):
    """A row with columns of several kinds."""

    key: int
    first: Text
    middle: Text
    born: Day
    kind: str
    started: Day
    ended: Day
    broken: Text


class Odd(Mapping[Row]):
    """An element with functions of several kinds."""

    element, resource, row = "odd", "Patient", Row
    table, key, system = "odd", "key", "urn:odd"
    fields = (
        Field(("first", "middle"), "name[use=official].given", *in_order(2)),
        Field("born", "birthDate", *DAY),
        Field("kind", "language.text"),
        Field(("started", "ended"), "name[use=old].period", _period, lambda period: period),
        Field("broken", "name[use=usual].text", lambda value: value / 0, str),
    )


FIELDS = {column: field for field in Odd.declaration.fields for column in field.columns}
REFUSALS = Refusals(Odd())


def missing(column: str) -> str:
    """Ask what happens without a column."""
    return REFUSALS.missing(FIELDS[column], column)


def invalid(column: str) -> str:
    """Ask what happens to values that do not fit."""
    return REFUSALS.invalid(FIELDS[column], column)


def test_missing() -> None:
    """No record without a key; else left out, refused by the row model, or by the function."""
    assert "no record" == missing("key")
    assert "left out" == missing("born")
    assert "quarantined: does not fit the row model" == missing("kind")
    assert "left out when first missing too" == missing("middle")
    assert (
        "left out when middle missing too;"
        " beside others quarantined: a later part without an earlier one"
    ) == missing("first")


def test_invalid() -> None:
    """Reasons of the column's type and of the function, each once and without a value."""
    assert "quarantined: does not fit the row model" == invalid("key")
    assert "quarantined: not a calendar day; not a day" == invalid("born")
    assert "quarantined: holds a control character; not text" == invalid("first")
    assert "quarantined: does not fit the row model" == invalid("kind")


def test_a_reason_belongs_to_the_column_that_it_names() -> None:
    """A function of several columns says which one."""
    assert "an end without a start" in invalid("ended")
    assert "an end without a start" not in invalid("started")


def test_a_function_that_fails_says_nothing() -> None:
    """That is found by the law of totality."""
    assert "quarantined: holds a control character; not text" == invalid("broken")
    assert "left out" == missing("broken")


class AnyRow(LegacyRow):
    """A row whose column takes everything."""

    key: int
    held: object


class Anything(Mapping[AnyRow]):
    """An element that refuses nothing."""

    element, resource, row = "anything", "Patient", AnyRow
    table, key, system = "anything", "key", "urn:anything"
    fields = (Field("held", "language.text", str, str),)


def test_a_column_that_takes_everything() -> None:
    """Nothing is quarantined."""
    assert "" == Refusals(Anything()).invalid(Anything.declaration.fields[1], "held")
