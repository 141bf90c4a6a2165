"""Pairs of functions for fields: `Field("DOB", "birthDate", *DAY)`."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from medplum_migration.mapping.field import Pair, refuse

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PARTIAL = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _day_back(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        refuse("the column holds whole days only")
    try:
        return date.fromisoformat(value)
    except ValueError:
        refuse("not a calendar day")


DAY = Pair(lambda day: day.isoformat(), _day_back)
"""A `Day` column to a date."""


def _partial(value: str) -> str:
    found = _PARTIAL.fullmatch(value)
    parts = [int(part) for part in found.groups() if part] if found else [0]
    try:
        date(*[*parts, 1, 1][:3])
    except ValueError:
        refuse("not a calendar date")
    return value


PARTIAL_DATE = Pair(_partial, _partial)
"""A text column with YYYY, YYYY-MM or YYYY-MM-DD to a date of the same precision."""


def local_time(zone: ZoneInfo) -> Pair:
    """Map a `LocalTime` column, which means the given zone, to an instant with its offset.

    Times that do not exist or exist twice in the zone are unmappable.
    """

    def to(value: datetime) -> str:
        aware = value.replace(tzinfo=zone)
        offset = aware.utcoffset() or timedelta()
        if offset != aware.replace(fold=1).utcoffset():
            refuse("the time does not exist in the zone, or exists twice")
        if offset % timedelta(minutes=1):
            refuse("the zone's offset was no whole minute then")
        return aware.isoformat(timespec="microseconds" if value.microsecond else "seconds")

    def back(value: object) -> datetime:
        try:
            instant = datetime.fromisoformat(_full(value))
            local = instant.astimezone(zone).replace(tzinfo=None)
        except (ValueError, OverflowError):
            refuse("not a calendar time")
        to(local)
        return local

    return Pair(to, back)


def local_day_and_time(zone: ZoneInfo) -> Pair:
    """Map a `Day` and a `ClockTime` column, which mean the given zone, to an instant.

    A time without a day is unmappable; a day without a time maps to the day.
    """
    whole = local_time(zone)

    def to(day: date | None, clock: time | None) -> str:
        if day is None:
            refuse("a time without a day")
        return day.isoformat() if clock is None else str(whole.to(datetime.combine(day, clock)))

    def back(value: object) -> tuple[date, time | None]:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return _day_back(value), None
        local = whole.back(value)
        return local.date(), local.time()

    return Pair(to, back)


def _full(value: object) -> str:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        refuse("the column holds whole times only")
    return value


def _ordered(*values: str | None) -> list[str]:
    kept = [value for value in values if value is not None]
    if list(values[: len(kept)]) != kept:
        refuse("a later part without an earlier one")
    return kept


def in_order(count: int) -> Pair:
    """Map columns to a list, first to first; a hole is unmappable, for it would move the rest."""

    def back(held: list[Any]) -> Any:  # noqa: ANN401 because values are those of any column
        if len(held) > count:
            refuse("more entries than columns")
        filled = (*held, *[None] * (count - len(held)))
        return filled[0] if count == 1 else filled

    return Pair(_ordered, back)
