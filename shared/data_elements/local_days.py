"""Days in columns that could hold a time: midnight says that nobody gave one."""

from datetime import date, datetime, time

from data_elements.clinic import CLINIC_TZ
from medplum_migration.mapping.field import Pair, refuse
from medplum_migration.mapping.transforms import DAY, local_time

_TIME = local_time(CLINIC_TZ)
_LENGTH = len("2024-01-01")


def _to(value: datetime) -> str:
    return str(DAY.to(value.date()) if value.time() == time() else _TIME.to(value))


def _back(value: object) -> datetime:
    if isinstance(value, str) and len(value) == _LENGTH:
        day: date = DAY.back(value)
        return datetime.combine(day, time())
    local: datetime = _TIME.back(value)
    if local.time() == time():
        refuse("midnight in the column means a day without a time")
    return local


DAY_OR_TIME = Pair(_to, _back)
"""A `LocalTime` column to a date at midnight, else to an instant of the clinic's zone."""


def ends_before(end: datetime | None, start: datetime | None) -> bool:
    """Tell whether an end lies before its start; an end without a time lasts for the day."""
    if end is None or start is None:
        return False
    return end.date() < start.date() if end.time() == time() else end < start
