"""Local days: midnight is a day, all else an instant."""

from datetime import datetime

import pytest

from data_elements.local_days import DAY_OR_TIME, ends_before
from medplum_migration.mapping.field import Unmappable


@pytest.mark.parametrize(
    ("expected", "local"),
    [("2024-03-10", "2024-03-10T00:00:00"), ("2024-07-04T00:00:01-04:00", "2024-07-04T00:00:01")],
)
def test_both_ways(expected: str, local: str) -> None:
    """A day stays a day, a time gets the clinic's offset, and both come back."""
    value = datetime.fromisoformat(local)
    assert expected == DAY_OR_TIME.to(value)
    assert value == DAY_OR_TIME.back(expected)


@pytest.mark.parametrize("held", ["2024-07-04T00:00:00-04:00", "2024-07", "2024-02-30", 7])
def test_refused(held: object) -> None:
    """Midnight as an instant, months and nonsense have no place in the column."""
    with pytest.raises(Unmappable):
        DAY_OR_TIME.back(held)


@pytest.mark.parametrize(
    ("expected", "end", "start"),
    [
        (False, None, "2024-01-01"),
        (False, "2024-01-01", None),
        (False, "2024-01-01", "2024-01-01T09:00:00"),
        (True, "2024-01-01T08:00:00", "2024-01-01T09:00:00"),
        (True, "2023-12-31", "2024-01-01"),
    ],
)
def test_ends_before(expected: bool, end: str | None, start: str | None) -> None:  # noqa: FBT001 because it is a case
    """An end without a time lasts for the day; what is missing contradicts nothing."""
    times = [None if text is None else datetime.fromisoformat(text) for text in (end, start)]
    assert expected == ends_before(*times)
