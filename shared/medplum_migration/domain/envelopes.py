"""Whatever a publisher may put into a queue message in, change events and row changes out.

Envelopes inside envelopes are taken off: Amazon SNS, EventBridge, and records of Kinesis and Kafka
as EventBridge Pipes hands them on. A JSON array holds several messages.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from medplum_migration.domain.change_event import ChangeEvent, read_event
from medplum_migration.domain.debezium import is_envelope, read_envelope
from medplum_migration.domain.dms import is_dms, read_dms
from medplum_migration.domain.errors import EventError
from medplum_migration.domain.row_change import RowChange

OUTBOX = "medplum_outbox"
"""The table that capture writes; a change of it is an event, with the version of its record."""

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
_WRAPPED = {"aws:kinesis": "data", "aws:kafka": "value"}
_CLOCKS = {"ts_ms", "ts_us", "ts_ns"}
_DEPTH = 5


def read_message(body: str) -> list[ChangeEvent | RowChange]:
    """Read a queue message; it may hold nothing, as a tombstone or a heartbeat does.

    Raises:
        EventError: it is none of the known kinds; names fields, never values.

    """
    return list(_read(_parse(body), _DEPTH))


def _parse(text: str | bytes) -> JsonValue:
    try:
        return _JSON.validate_json(text)
    except ValidationError:
        reason = "not JSON"
        raise EventError(reason, fields="body") from None


def _read(value: JsonValue, depth: int) -> Iterator[ChangeEvent | RowChange]:
    if not depth:
        reason = "envelopes are nested too deeply"
        raise EventError(reason, fields="body")
    if isinstance(value, list):
        for entry in value:
            yield from _read(entry, depth - 1)
    elif isinstance(value, dict) and (inner := _unwrapped(value)) is not value:
        yield from _read(inner, depth - 1)
    elif isinstance(value, dict):
        yield from _read_object(value)
    elif value is not None:
        reason = "not a change event"
        raise EventError(reason, fields="body")


def _unwrapped(value: dict[str, Any]) -> JsonValue:
    if value.get("Type") == "Notification" and isinstance(value.get("Message"), str):
        return _parse(value["Message"])
    if "detail-type" in value and "detail" in value:
        inner: JsonValue = value["detail"]
        return inner
    source = value.get("eventSource")
    if isinstance(source, str) and source in _WRAPPED:
        return _decoded(value.get(_WRAPPED[source]))
    return value


def _decoded(record: object) -> JsonValue:
    """Decode a record of a stream; one without a value is a tombstone."""
    if record is None:
        return None
    try:
        return _parse(base64.b64decode(str(record), validate=True))
    except binascii.Error:
        reason = "not a record of a stream"
        raise EventError(reason, fields="data, value") from None


def _read_object(value: dict[str, Any]) -> Iterator[ChangeEvent | RowChange]:
    if is_dms(value):
        change = read_dms(value)
    elif is_envelope(value):
        change = read_envelope(value)
    elif (value and value.keys() <= _CLOCKS) or {"status", "id"} <= value.keys():
        return  # Debezium's heartbeats, and its marks of a transaction's begin and end
    else:
        yield read_event(value)
        return
    if change is not None and change.is_of(OUTBOX):
        yield from _captured(change)
    elif change is not None:
        yield change


def _captured(change: RowChange) -> Iterator[ChangeEvent]:
    """Read a row of the outbox; that rows leave it is housekeeping."""
    row = change.after
    if row is not None and change.is_new:
        yield read_event(
            {
                "element": row.get("element"),
                "key": row.get("record_key"),
                "version": row.get("sequence"),
                "operation": row.get("operation"),
            }
        )
