"""Transforms: days, partial dates, local times, lists."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from medplum_migration.mapping.field import Unmappable
from medplum_migration.mapping.transforms import (
    DAY,
    PARTIAL_DATE,
    in_order,
    local_day_and_time,
    local_time,
)

NEW_YORK = local_time(ZoneInfo("America/New_York"))


def at(text: str) -> datetime:
    """Make a naive time."""
    return datetime.fromisoformat(text)


def test_day() -> None:
    """A day goes and comes back."""
    assert "2024-02-29" == DAY.to(date(2024, 2, 29))
    assert date(2024, 2, 29) == DAY.back("2024-02-29")


@pytest.mark.parametrize("value", ["2024", "2024-02", "2023-02-29", 7, "2024-02-29T00:00:00Z"])
def test_day_that_the_column_cannot_hold(value: object) -> None:
    """A partial or impossible date is not padded or bent."""
    with pytest.raises(Unmappable):
        DAY.back(value)


@pytest.mark.parametrize("value", ["1980", "1980-07", "1980-02-29"])
def test_partial_date(value: str) -> None:
    """Precision is kept both ways."""
    assert value == PARTIAL_DATE.to(value) == PARTIAL_DATE.back(value)


@pytest.mark.parametrize("value", ["80", "1980-13", "1981-02-29", "198\u0660", "0000", "1980-1"])
def test_not_a_partial_date(value: str) -> None:
    """What is no calendar date is unmappable."""
    with pytest.raises(Unmappable, match="calendar"):
        PARTIAL_DATE.to(value)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("2023-01-15T23:30:00-05:00", "2023-01-15 23:30:00"),
        ("2023-07-15T23:30:00-04:00", "2023-07-15 23:30:00"),
        ("2023-07-15T23:30:00.123456-04:00", "2023-07-15 23:30:00.123456"),
    ],
)
def test_local_time(expected: str, value: str) -> None:
    """A local time gets the offset of its day, and comes back."""
    assert expected == NEW_YORK.to(at(value))
    assert at(value) == NEW_YORK.back(expected)


def test_local_time_from_another_zone() -> None:
    """An instant in another zone comes back as clinic time."""
    assert at("2023-01-15 23:30:00") == NEW_YORK.back("2023-01-16T04:30:00.000Z")


@pytest.mark.parametrize(
    "value",
    [
        "2024-03-10 02:30:00",
        "2024-11-03 01:30:00",
        "1975-02-23 02:15:00",
        "2007-11-04 01:05:00",
        "1850-01-01 00:00:00",
    ],
)
def test_time_that_is_not_one(value: str) -> None:
    """A time in a gap or an overlap, or before whole offsets, is unmappable."""
    with pytest.raises(Unmappable):
        NEW_YORK.to(at(value))


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-01",
        "2024-01-01T00:00:00",
        7,
        "2024-02-30T00:00:00Z",
        "2024-11-03T05:30:00Z",
        "0001-01-01T00:00:00Z",
    ],
)
def test_instant_that_the_column_cannot_hold(value: object) -> None:
    """A date, a wrong time or an ambiguous one does not go back."""
    with pytest.raises(Unmappable):
        NEW_YORK.back(value)


def test_in_order() -> None:
    """Columns fill a list from the front, and come back."""
    one, two = in_order(1), in_order(2)
    assert ["a", "b"] == two.to("a", "b")
    assert ["a"] == two.to("a", None)
    assert ("a", None) == two.back(["a"])
    assert "a" == one.back(["a"])


def test_hole_in_order() -> None:
    """A middle name never becomes the first; three names do not fit two columns."""
    with pytest.raises(Unmappable, match="earlier"):
        in_order(2).to(None, "b")
    with pytest.raises(Unmappable, match="more"):
        in_order(2).back(["a", "b", "c"])


class TestLocalDayAndTime:
    """Two columns, day and time of day, in one zone."""

    PAIR = local_day_and_time(ZoneInfo("America/New_York"))

    @pytest.mark.parametrize(
        ("expected", "day", "clock"),
        [
            ("2024-07-01T09:30:00-04:00", date(2024, 7, 1), time(9, 30)),
            ("2024-07-01", date(2024, 7, 1), None),
        ],
    )
    def test_there_and_back(self, expected: str, day: date, clock: time | None) -> None:
        """The offset of the day counts; a day alone keeps its precision."""
        assert expected == self.PAIR.to(day, clock)
        assert (day, clock) == self.PAIR.back(expected)

    def test_unmappable(self) -> None:
        """A time without a day, and a time that does not exist in the zone."""
        with pytest.raises(Unmappable, match="without a day"):
            self.PAIR.to(None, time(9))
        with pytest.raises(Unmappable, match="does not exist"):
            self.PAIR.to(date(2024, 3, 10), time(2, 30))
