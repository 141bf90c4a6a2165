"""Messages of other publishers, made from the samples in `tests/events`."""

import json
from pathlib import Path
from typing import Any

_EVENTS = Path(__file__).parent / "events"

Row = dict[str, Any] | None


def sample(name: str, number: int = 0) -> dict[str, Any]:
    """Read the body of a message in a sample."""
    event = json.loads((_EVENTS / f"dual_write.{name}.json").read_text())
    body: dict[str, Any] = json.loads(event["Records"][number]["body"])
    return body


def postgresql(
    operation: str, *, before: Row = None, after: Row = None, table: str = "people", **source: Any
) -> dict[str, Any]:
    """Make a payload of Debezium's connector for PostgreSQL."""
    told = sample("debezium_postgresql", 1)
    held = told["source"] | {"table": table} | source
    return told | {"op": operation, "before": before, "after": after, "source": held}


def mysql(
    operation: str, *, before: Row = None, after: Row = None, table: str = "people", **source: Any
) -> dict[str, Any]:
    """Make a payload of Debezium's connector for MySQL."""
    told = sample("debezium_mysql", 1)
    held = told["source"] | {"table": table} | source
    return told | {"op": operation, "before": before, "after": after, "source": held}


def with_schema(payload: dict[str, Any], **columns: str | dict[str, Any]) -> dict[str, Any]:
    """Wrap a payload as the JSON converter does; a column has a type, or the schema's own words."""
    fields = [
        {"field": name, **({"type": kind} if isinstance(kind, str) else kind)}
        for name, kind in columns.items()
    ]
    envelope = [{"type": "struct", "field": "after", "fields": fields, "optional": True}]
    return {"schema": {"type": "struct", "fields": envelope}, "payload": payload}


def dms(operation: str, data: Row, *, table: str = "people") -> dict[str, Any]:
    """Make a data record of AWS DMS."""
    told = sample("dms", 1)
    metadata = told["metadata"] | {"operation": operation, "table-name": table}
    return {"data": data, "metadata": metadata}


def outbox(sequence: int, key: str, operation: str = "upsert", *, told: str = "c") -> str:
    """Make the envelope of a row that capture wrote into its outbox."""
    row = {"sequence": sequence, "element": "people", "record_key": key, "operation": operation}
    return json.dumps(postgresql(told, after=row, table="medplum_outbox"))
