"""Values of database drivers in, values as JSON knows them out, the same on every database."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

_DAY = dt.timedelta(days=1)


def plain(value: object) -> object:
    """Spell dates and times in ISO 8601 with a blank, decimals as text, bytes as hexadecimal.

    MySQL gives a time of day as a duration; only one outside a day stays spelled as a duration.
    """
    match value:
        case dt.datetime():
            return value.isoformat(sep=" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta() if dt.timedelta() <= value < _DAY:
            return (dt.datetime.min + value).time().isoformat()  # noqa: DTZ901 because a time of day has no zone
        case bytes() | memoryview():
            return value.hex()
        case Decimal() | UUID() | dt.timedelta():
            return str(value)
        case _:
            return value
