"""Queue messages of any publisher: what they hold, whatever they are wrapped in."""

import base64
import json
from typing import Any

import pytest

from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.envelopes import read_message
from medplum_migration.domain.errors import EventError
from medplum_migration.domain.row_change import RowChange
from tests.published import dms, outbox, postgresql, sample

OWN = {"element": "people", "key": "1", "version": 2, "operation": "upsert"}
EVENT = ChangeEvent(element="people", key="1", version=2, operation=Operation.UPSERT)


def encoded(value: object) -> str:
    """Encode a stream's record."""
    return base64.b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "message",
    [
        OWN,
        [OWN],
        {"Type": "Notification", "TopicArn": "arn", "Message": json.dumps(OWN)},
        {"detail-type": "Changed", "source": "clinic", "detail": OWN},
        {"eventSource": "aws:kinesis", "partitionKey": "1", "data": encoded(OWN)},
        {"eventSource": "aws:kafka", "topic": "people", "value": encoded(OWN)},
        [{"eventSource": "aws:kinesis", "data": encoded([OWN])}],
    ],
)
def test_an_event_is_found_in_what_carries_it(message: Any) -> None:
    """Topics, buses and pipes wrap a message; an array holds several."""
    assert [EVENT] == read_message(json.dumps(message))


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {"eventSource": "aws:kafka", "topic": "people", "key": "MQ=="},
        {"ts_ms": 1767225600000},
        {"schema": None, "payload": None},
        {"status": "BEGIN", "id": "571:53195829"},
        {**postgresql("u"), "op": "m", "message": {}},
        sample("dms", 4),
    ],
)
def test_some_messages_tell_of_no_record(message: Any) -> None:
    """Tombstones, heartbeats, marks of transactions and control records are read past."""
    assert [] == read_message(json.dumps(message))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Jane",
        "{}",
        '"Jane"',
        "7",
        '{"name": "Jane"}',
        '{"eventSource": "aws:kinesis", "data": "Jane!"}',
        json.dumps({"eventSource": "aws:kinesis", "data": base64.b64encode(b"Jane").decode()}),
        json.dumps({"Type": "Notification", "Message": "Jane"}),
        json.dumps([[[[[OWN]]]]]),
        '["\\ud800"]',
    ],
)
def test_what_is_of_no_known_kind_is_refused_without_its_values(body: str) -> None:
    """The error names fields and quotes nothing."""
    with pytest.raises(EventError) as caught:
        read_message(body)

    assert "Jane" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_changes_of_rows_are_told_apart() -> None:
    """One array may hold messages of several kinds."""
    messages = [OWN, postgresql("c", after={"number": 1}), dms("insert", {"number": 2})]
    told = read_message(json.dumps(messages))

    assert [ChangeEvent, RowChange, RowChange] == [type(item) for item in told]


def test_a_row_of_the_outbox_is_an_event() -> None:
    """Its sequence is the version that the legacy store knows of the record."""
    assert [EVENT] == read_message(outbox(2, "1"))


@pytest.mark.parametrize("operation", ["d", "u"])
def test_housekeeping_in_the_outbox_is_no_event(operation: str) -> None:
    """Published rows are removed; nothing has happened to their records."""
    assert [] == read_message(outbox(2, "1", told=operation))


def test_an_outbox_without_what_an_event_needs_is_refused() -> None:
    """A table that only has the outbox's name is not taken for it."""
    with pytest.raises(EventError, match="element, key, operation, version"):
        read_message(json.dumps(postgresql("c", after={"id": 1}, table="medplum_outbox")))
