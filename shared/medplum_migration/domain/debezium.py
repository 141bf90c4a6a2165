"""Debezium's envelopes: the value of a change message in, the change of a row out.

https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-events and
the same page of MySQL. Messages come with the JSON converter's `schema` and `payload`, with the
payload alone, or flattened by `ExtractNewRecordState` with `add.fields=op,table`.
"""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from medplum_migration.domain.errors import EventError
from medplum_migration.domain.row_change import ColumnType, Image, RowChange

_LIVE = "None", "False", "false"
_OPERATIONS = "c", "u", "d", "r", "t"
_FILE_BITS, _POSITION_BITS, _ROW_BITS = 17, 32, 14
_BINLOG = re.compile(r".+\.(\d{1,9})", re.ASCII)


def is_envelope(value: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object is a Debezium message of any form."""
    return "op" in value or "__op" in value or {"schema", "payload"} == value.keys()


def read_envelope(value: Mapping[str, Any]) -> RowChange | None:
    """Read a message; None for one that tells of no row.

    Raises:
        EventError: a field is missing or has another form; names fields, never values.

    """
    if "__op" in value:
        return _flat(value)
    payload = value.get("payload") if "op" not in value else value
    if not isinstance(payload, dict) or payload.get("op") == "m":
        return None
    source, operation = payload.get("source"), payload.get("op")
    if operation not in _OPERATIONS or not isinstance(source, dict):
        _refuse("op, source")
    is_snapshot = operation == "r" or str(source.get("snapshot")) not in _LIVE
    return RowChange(
        table=_text(source, "table"),
        schema=str(source.get("schema") or source.get("db") or ""),
        before=_image(payload, "before"),
        after=_image(payload, "after"),
        is_new=is_snapshot or operation == "c",
        is_snapshot=is_snapshot,
        position=None if is_snapshot else _position(source),
        types=_types(value.get("schema")),
    )


def _flat(value: Mapping[str, Any]) -> RowChange:
    operation, row = value["__op"], {k: v for k, v in value.items() if not k.startswith("__")}
    if operation not in _OPERATIONS:
        _refuse("__op")
    return RowChange(
        table=_text(value, "__table"),
        schema=str(value.get("__schema") or value.get("__db") or ""),
        before=row if operation == "d" else None,
        after=row if operation in {"c", "u", "r"} else None,
        is_new=operation in {"c", "r"},
        is_snapshot=operation == "r",
    )


def _position(source: Mapping[str, Any]) -> int | None:
    """Give the log position, which grows with each change of one record on one server.

    PostgreSQL: the LSN of the change. MySQL and MariaDB: number of the binary log, position of the
    event in it, row in the event, in one integer; None when it does not fit.
    """
    lsn = source.get("lsn")
    if isinstance(lsn, int):
        return lsn
    found = _BINLOG.fullmatch(str(source.get("file", "")))
    position, row = source.get("pos"), source.get("row")
    if found is None or not isinstance(position, int) or not isinstance(row, int):
        return None
    parts = (int(found[1]), _FILE_BITS), (position, _POSITION_BITS), (row, _ROW_BITS)
    packed = 0
    for part, bits in parts:
        if not 0 <= part < 1 << bits:
            return None
        packed = packed << bits | part
    return packed


def _types(schema: object) -> dict[str, ColumnType] | None:
    """Read the types of `after` from a Kafka Connect schema; None when it is not there."""
    fields = schema.get("fields") if isinstance(schema, dict) else None
    after = [f for f in _objects(fields) if f.get("field") == "after"]
    if not after:
        return None
    return {str(column.get("field")): _type(column) for column in _objects(after[0].get("fields"))}


def _type(column: Mapping[str, Any]) -> ColumnType:
    parameters = column.get("parameters")
    scale = parameters.get("scale", "0") if isinstance(parameters, dict) else "0"
    if not re.fullmatch(r"\d{1,3}", str(scale), re.ASCII):
        _refuse("schema")
    return ColumnType(str(column.get("name") or column.get("type")), int(scale))


def _objects(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _image(payload: Mapping[str, Any], name: str) -> Image | None:
    image = payload.get(name)
    if image is not None and not isinstance(image, dict):
        _refuse(name)
    return image


def _text(held: Mapping[str, Any], name: str) -> str:
    text = held.get(name)
    if not isinstance(text, str) or not text:
        _refuse(name)
    return text


def _refuse(fields: str) -> NoReturn:
    reason = "not a Debezium envelope"
    raise EventError(reason, fields=fields)
