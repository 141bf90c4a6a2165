"""Columns of numbers, flags, links and times of day: what drivers give, and what is refused."""

from datetime import time
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from medplum_migration.mapping.columns import (
    Amount,
    ClockTime,
    Flag,
    LegacyRow,
    Link,
    Measured,
    NullableLink,
    Rows,
    TextLink,
    Whole,
    written_when_missing,
)


class Child(LegacyRow):
    """A child row."""

    n: Whole


class Row(LegacyRow):
    """One column of each kind."""

    whole: Whole = None
    link: Link = None
    nullable_link: NullableLink = None
    text_link: TextLink = None
    amount: Amount = None
    measured: Measured = None
    flag: Flag = None
    clock: ClockTime = None
    rows: Rows[Child] = None


@pytest.mark.parametrize(
    ("expected", "column", "value"),
    [
        (7, "whole", 7),
        (-7, "whole", "-7"),
        (0, "whole", 0),
        (None, "whole", ""),
        (7, "link", "7"),
        (None, "link", 0),
        (None, "nullable_link", "0"),
        (None, "text_link", ""),
        (Decimal("72.50"), "amount", "72.50"),
        (Decimal("0.1"), "amount", 0.1),
        (Decimal(7), "amount", 7),
        (Decimal("7.0"), "amount", Decimal("7.0")),
        (Decimal(0), "amount", 0),
        (None, "amount", None),
        (None, "measured", "0.000000"),
        (Decimal("1.5"), "measured", "1.5"),
        (True, "flag", 1),
        (False, "flag", "0"),
        (True, "flag", True),
        (None, "flag", None),
        (time(8, 5), "clock", "8:05:00"),
        (time(8, 5), "clock", time(8, 5)),
        (None, "clock", ""),
        (None, "rows", []),
        ((Child(n=1),), "rows", [{"n": 1}]),
    ],
)
def test_read(expected: object, column: str, value: object) -> None:
    """What a driver gives is read without loss; missing is None."""
    read = getattr(Row.model_validate({column: value}), column)
    assert (expected, type(expected)) == (read, type(read))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("whole", "07"),
        ("whole", "\u0667"),
        ("whole", 1.5),
        ("whole", True),
        ("link", "x"),
        ("amount", "1e5"),
        ("amount", "1,5"),
        ("amount", Decimal("NaN")),
        ("amount", True),
        ("amount", float("inf")),
        ("flag", 2),
        ("flag", "yes"),
        ("clock", "24:00:00"),
        ("clock", "nine"),
        ("clock", 9),
        ("rows", [{"n": "x"}]),
    ],
)
def test_refused(column: str, value: object) -> None:
    """Nothing is coerced, and no error shows a value."""
    with pytest.raises(ValidationError) as refused:
        Row.model_validate({column: value})
    error: Any = refused.value.errors(include_input=False)[0]
    assert column == error["loc"][0]
    assert str(value) not in error["msg"]


def test_written_when_missing() -> None:
    """The way back writes what the legacy store writes for missing."""
    told = {name: written_when_missing(Row, name) for name in Row.model_fields}
    other = {name: value for name, value in told.items() if value is not None}
    assert {"link": 0, "text_link": "", "measured": 0} == other
