"""What is particular to SQS: batches, partial failures, sizes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from medplum_migration.adapters.memory import MemoryClock
from medplum_migration.adapters.sqs_queue import SqsQueue
from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.domain.errors import EventError, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

TASKS = [ChunkTask(element="patients", run_id="r", chunk=n) for n in range(12)]


@pytest.fixture
def stub() -> "Iterator[tuple[SQSClient, Stubber]]":
    """Make a client that answers from a script."""
    with mock_aws():
        client = boto3.client("sqs", region_name="eu-west-1")
        with Stubber(client) as stubber:
            yield client, stubber
            stubber.assert_no_pending_responses()


def _expected(ids: list[int], delay_s: int = 0) -> dict[str, Any]:
    entries = [{"Id": str(n), "MessageBody": ANY, "DelaySeconds": delay_s} for n in ids]
    return {"QueueUrl": "url", "Entries": entries}


def _answer(failed: list[int]) -> dict[str, Any]:
    refusals = [{"Id": str(n), "SenderFault": False, "Code": "InternalError"} for n in failed]
    return {"Successful": [], "Failed": refusals}


def test_batches_of_ten(stub: "tuple[SQSClient, Stubber]") -> None:
    """Twelve tasks are two requests, with the delay on each message."""
    client, stubber = stub
    stubber.add_response("send_message_batch", _answer([]), _expected(list(range(10)), 30))
    stubber.add_response("send_message_batch", _answer([]), _expected([0, 1], 30))
    queue: SqsQueue[ChunkTask] = SqsQueue(client, "url", clock=MemoryClock())
    queue.send(TASKS, delay_s=30)


def test_refused_entries_are_sent_again(stub: "tuple[SQSClient, Stubber]") -> None:
    """Only what SQS refused is repeated, after a pause."""
    client, stubber = stub
    stubber.add_response("send_message_batch", _answer([1]), _expected([0, 1, 2]))
    stubber.add_response("send_message_batch", _answer([]), _expected([1]))
    clock = MemoryClock()
    queue: SqsQueue[ChunkTask] = SqsQueue(client, "url", clock=clock)
    queue.send(TASKS[:3])
    assert 1 == len(clock.pauses)


def test_refusals_are_bounded(stub: "tuple[SQSClient, Stubber]") -> None:
    """Entries that are refused again and again make the queue unavailable."""
    client, stubber = stub
    for _ in range(4):
        stubber.add_response("send_message_batch", _answer([0]), _expected([0]))
    queue: SqsQueue[ChunkTask] = SqsQueue(client, "url", clock=MemoryClock())
    with pytest.raises(UnavailableError, match="messages=1"):
        queue.send(TASKS[:1])


def test_queue_that_does_not_answer(stub: "tuple[SQSClient, Stubber]") -> None:
    """A server error is transient."""
    client, stubber = stub
    stubber.add_client_error("send_message_batch", "InternalError", http_status_code=500)
    queue: SqsQueue[ChunkTask] = SqsQueue(client, "url", clock=MemoryClock())
    with pytest.raises(UnavailableError):
        queue.send(TASKS[:1])


def test_message_that_no_queue_takes(stub: "tuple[SQSClient, Stubber]") -> None:
    """An image that is too large is refused before anything is sent, without quoting it."""
    image = {"note": "x" * 300_000}
    event = ChangeEvent(
        element="patients", key="7", version=1, operation=Operation.UPSERT, image=image
    )
    queue: SqsQueue[ChangeEvent] = SqsQueue(stub[0], "url", clock=MemoryClock())
    with pytest.raises(EventError) as raised:
        queue.send([event])
    assert len(str(raised.value)) < 100
