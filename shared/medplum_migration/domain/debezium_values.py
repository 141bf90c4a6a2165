"""Values as Debezium encodes them in, values as the legacy store gives them out.

https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-data-types.
A type that is not listed here has no spelling that is certainly the legacy store's.
"""

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from medplum_migration.domain.row_change import ColumnType

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 because these types have no zone
_MICROSECONDS = {"Timestamp": 1000, "MicroTimestamp": 1, "Time": 1000, "MicroTime": 1}
_AS_THEY_ARE = {
    "boolean", "int8", "int16", "int32", "int64", "float", "double", "string",
    "io.debezium.data.Enum", "io.debezium.data.Uuid", "io.debezium.time.Year",
}  # fmt: skip


def plain(value: object, column: ColumnType) -> object:
    """Spell a value as the legacy store would: dates and times as ISO text, decimals as text.

    Raises:
        ValueError: the type is unknown, or the value is not one of it; without the value.

    """
    if value is None or column.name in _AS_THEY_ARE:
        return value
    convert = _CONVERTERS.get(column.name)
    if convert is None:
        reason = "unsupported type"
        raise ValueError(reason)
    try:
        return convert(value, column)
    except (TypeError, OverflowError, binascii.Error):
        reason = "not a value of its type"
        raise ValueError(reason) from None


def _date(value: Any, column: ColumnType) -> str:  # noqa: ANN401 because values come from JSON
    del column
    return (_EPOCH + dt.timedelta(days=value)).date().isoformat()


def _timestamp(value: Any, column: ColumnType) -> str:  # noqa: ANN401 because values come from JSON
    return _after_epoch(value, column).isoformat(sep=" ")


def _time(value: Any, column: ColumnType) -> str:  # noqa: ANN401 because values come from JSON
    moment = _after_epoch(value, column)
    if moment.date() != _EPOCH.date():
        reason = "not a time of day"
        raise ValueError(reason)
    return moment.time().isoformat()


def _after_epoch(value: Any, column: ColumnType) -> dt.datetime:  # noqa: ANN401 because values come from JSON
    unit = _MICROSECONDS[column.name.rpartition(".")[2]]
    return _EPOCH + dt.timedelta(microseconds=value * unit)


def _instant(value: Any, column: ColumnType) -> str:  # noqa: ANN401 because values come from JSON
    del column
    try:
        return dt.datetime.fromisoformat(value).isoformat(sep=" ")
    except ValueError:
        reason = "not an instant"
        raise ValueError(reason) from None


def _decimal(value: Any, column: ColumnType) -> str:  # noqa: ANN401 because values come from JSON
    unscaled = int.from_bytes(base64.b64decode(value, validate=True), signed=True)
    sign, digits, _ = Decimal(unscaled).as_tuple()
    return str(Decimal((sign, digits, -column.scale)))


def _bytes(value: Any, column: ColumnType) -> str:  # noqa: ANN401 because values come from JSON
    del column
    return base64.b64decode(value, validate=True).hex()


_CONVERTERS: dict[str, Callable[[Any, ColumnType], str]] = {
    "bytes": _bytes,
    "io.debezium.time.Date": _date,
    "io.debezium.time.MicroTime": _time,
    "io.debezium.time.MicroTimestamp": _timestamp,
    "io.debezium.time.Time": _time,
    "io.debezium.time.Timestamp": _timestamp,
    "io.debezium.time.ZonedTimestamp": _instant,
    "org.apache.kafka.connect.data.Date": _date,
    "org.apache.kafka.connect.data.Decimal": _decimal,
    "org.apache.kafka.connect.data.Time": _time,
    "org.apache.kafka.connect.data.Timestamp": _timestamp,
}
