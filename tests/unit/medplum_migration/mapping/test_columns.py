"""Column types: what drivers hand over."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from medplum_migration.mapping.columns import (
    Day,
    LegacyRow,
    LocalTime,
    NullableText,
    Text,
    written_when_missing,
)


class Row(LegacyRow):
    """One column of each type."""

    text: Text = None
    nullable: NullableText = None
    day: Day = None
    time: LocalTime = None


NOON = datetime(2024, 1, 2, 12)  # noqa: DTZ001 because legacy times have no zone


@pytest.mark.parametrize(
    ("expected", "column", "value"),
    [
        ("x", "text", "x"),
        (" x", "text", " x"),
        (None, "text", ""),
        (None, "text", " \t"),
        (None, "nullable", None),
        (date(2024, 2, 29), "day", "2024-02-29"),
        (date(2024, 2, 29), "day", date(2024, 2, 29)),
        (None, "day", "0000-00-00"),
        (None, "day", ""),
        (None, "day", None),
        (NOON, "time", NOON),
        (NOON, "time", "2024-01-02 12:00:00"),
        (NOON, "time", "2024-01-02T12:00:00.000000"),
        (None, "time", "0000-00-00 00:00:00"),
        (None, "time", None),
    ],
)
def test_parsed(expected: object, column: str, value: object) -> None:
    """Values of every driver mean the same; zero and blank are missing."""
    assert expected == getattr(Row.model_validate({column: value}), column)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("text", 7),
        ("text", b"x"),
        ("text", "a\x00"),
        ("nullable", "\ud800"),
        ("day", "2023-02-29"),
        ("day", "02/03/2024"),
        ("day", "198\u0660-01-01"),
        ("day", NOON),
        ("time", "2024-13-01 00:00:00"),
        ("time", "2024-01-01 23:59:60"),
        ("time", datetime(2024, 1, 2, tzinfo=UTC)),
        ("time", "2024-01-01"),
    ],
)
def test_refused(column: str, value: object) -> None:
    """What is not of the type is refused; the value is not shown."""
    with pytest.raises(ValidationError) as refused:
        Row.model_validate({column: value})
    assert repr(value) not in str(refused.value)


@pytest.mark.parametrize(
    ("expected", "column"), [("", "text"), (None, "nullable"), (None, "day"), (None, "other")]
)
def test_written_when_missing(expected: Any, column: str) -> None:
    """NOT NULL text is written as a blank, all else as NULL."""
    assert expected == written_when_missing(Row, column)
