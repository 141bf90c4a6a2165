"""AWS DMS messages for Kinesis and Kafka: JSON in, the change of a row out.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.Kinesis.html. A message is
`{"data": …, "before-image": …, "metadata": …}`. DMS leaves NULL out of `data` unless told
otherwise, writes zone-less times with a `Z`, and does not document its stream position: its images
tell which record changed, and nothing else is taken from them.
"""

from collections.abc import Mapping
from typing import Any

from medplum_migration.domain.errors import EventError
from medplum_migration.domain.row_change import RowChange

_NEW = "load", "insert"
_OPERATIONS = *_NEW, "update", "delete"


def is_dms(value: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object is a message of DMS."""
    return isinstance(value.get("metadata"), dict) and "record-type" in value["metadata"]


def read_dms(value: Mapping[str, Any]) -> RowChange | None:
    """Read a message; None for a control record.

    Raises:
        EventError: a field is missing or has another form; names fields, never values.

    """
    metadata, data = value["metadata"], value.get("data")
    if metadata["record-type"] != "data":
        return None
    operation, table = metadata.get("operation"), metadata.get("table-name")
    if operation not in _OPERATIONS or not isinstance(table, str) or not isinstance(data, dict):
        reason = "not a data record of AWS DMS"
        raise EventError(reason, fields="data, metadata.operation, metadata.table-name")
    before = value.get("before-image")
    is_delete = operation == "delete"
    return RowChange(
        table=table,
        schema=str(metadata.get("schema-name") or ""),
        before=data if is_delete else before if isinstance(before, dict) else None,
        after=None if is_delete else data,
        is_new=operation in _NEW,
        is_snapshot=operation == "load",
    )
