"""Port `Queue`: everything sent arrives, large or many; in memory and on SQS."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from medplum_migration.adapters.memory import MemoryClock, MemoryQueue
from medplum_migration.adapters.sqs_queue import SqsQueue
from medplum_migration.domain.change_event import ChangeEvent, Operation, read_event
from medplum_migration.ports.queues import Queue


@dataclass
class Ends:
    """Both ends of a queue of change events."""

    queue: Queue[ChangeEvent]
    receive: Callable[[], list[ChangeEvent]]


@pytest.fixture(params=["memory", "moto", pytest.param("emulator", marks=pytest.mark.integration)])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    """Yield an empty queue."""
    if request.param == "memory":
        memory: MemoryQueue[ChangeEvent] = MemoryQueue()
        yield Ends(memory, memory.take)
        return
    client = request.getfixturevalue(f"{request.param}_client")("sqs")
    url = client.create_queue(QueueName="contract-changes")["QueueUrl"]
    queue: SqsQueue[ChangeEvent] = SqsQueue(client, url, clock=MemoryClock())
    yield Ends(queue, lambda: _receive(client, url))
    client.delete_queue(QueueUrl=url)


def _receive(client: Any, url: str) -> list[ChangeEvent]:
    events: list[ChangeEvent] = []
    while True:
        answer = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        if "Messages" not in answer:
            return events
        events += [read_event(message["Body"]) for message in answer["Messages"]]


def _event(n: int, image: dict[str, Any] | None = None) -> ChangeEvent:
    return ChangeEvent(
        element="patients", key=str(n), version=n, operation=Operation.UPSERT, image=image
    )


@pytest.mark.parametrize("count", [0, 1, 10, 25])
def test_all_arrive(ends: Ends, count: int) -> None:
    """Any number of messages arrives, each as it was sent."""
    sent = [_event(n) for n in range(count)]
    ends.queue.send(sent)
    assert sent == sorted(ends.receive(), key=lambda event: event.version)


def test_large_messages_are_spread(ends: Ends) -> None:
    """Messages that together exceed one request still arrive, images and all."""
    sent = [_event(n, {"note": "ä" * 60_000, "empty": None}) for n in range(4)]
    ends.queue.send(sent)
    assert sent == sorted(ends.receive(), key=lambda event: event.version)


def test_delayed_messages_do_not_arrive_at_once(ends: Ends) -> None:
    """A delay is accepted up to fifteen minutes, and beyond is a bug of the caller."""
    ends.queue.send([_event(1)], delay_s=900)
    with pytest.raises(ValueError, match="901"):
        ends.queue.send([_event(1)], delay_s=901)
