"""Pairs of functions for fields: `Field("DOB", "birthDate", *DAY)`."""

import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from medplum_migration.mapping.field import Pair, refuse

_PARTIAL = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _day_back(value: object) -> date:
    if isinstance(value, str) and len(value) == 10:  # noqa: PLR2004 because YYYY-MM-DD
        return date.fromisoformat(value)
    refuse("the column holds whole days only")


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
        if aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != value:
            refuse("the time does not exist in the zone")
        if aware.utcoffset() != aware.replace(fold=1).utcoffset():
            refuse("the time exists twice in the zone")
        return aware.isoformat(timespec="microseconds" if value.microsecond else "seconds")

    def back(value: object) -> datetime:
        if not isinstance(value, str) or not _INSTANT.fullmatch(value):
            refuse("the column holds whole times only")
        return datetime.fromisoformat(value).astimezone(zone).replace(tzinfo=None)

    return Pair(to, back)


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
