"""The small ports in memory: what tests set, and what they can ask."""

import pytest

from medplum_migration.adapters.memory import (
    MemoryClock,
    MemoryQueue,
    MemoryTable,
    MemoryTelemetry,
)
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.domain.errors import UnavailableError

TASK = ChunkTask(element="patients", run_id="r", chunk=1)


def test_table_that_does_not_answer() -> None:
    """A table made unavailable fails every call, and keeps what it has."""
    table = MemoryTable()
    item = table.put("p", "s", {}, expected_revision=0)
    table.available = False
    with pytest.raises(UnavailableError):
        table.get("p", "s")
    with pytest.raises(UnavailableError):
        list(table.scan(pk_prefix=""))
    table.available = True
    assert item == table.get("p", "s")


def test_table_keeps_no_reference() -> None:
    """Changing a document after it was stored or read changes nothing stored."""
    table, body = MemoryTable(), {"n": 1}
    table.put("p", "s", body, expected_revision=0)
    body["n"] = 2
    held = table.get("p", "s")
    assert held is not None
    held.body["n"] = 3
    again = table.get("p", "s")
    assert again is not None
    assert {"n": 1} == again.body


def test_queue() -> None:
    """Messages are kept with their delay until they are taken."""
    queue: MemoryQueue[ChunkTask] = MemoryQueue()
    queue.send([TASK], delay_s=5)
    assert [(TASK, 5)] == queue.sent
    assert [TASK] == queue.take()
    assert [] == queue.take()


def test_queue_that_does_not_answer() -> None:
    """A queue made unavailable accepts nothing."""
    queue: MemoryQueue[ChunkTask] = MemoryQueue()
    queue.available = False
    with pytest.raises(UnavailableError):
        queue.send([TASK])
    assert [] == queue.sent


def test_clock() -> None:
    """Time moves by pauses, which are recorded, and by hand."""
    clock = MemoryClock(100.0)
    clock.pause(2.5)
    clock.advance(1)
    assert (103.5, [2.5]) == (clock.now(), clock.pauses)


def test_telemetry() -> None:
    """Everything told is kept; metrics add up over the dimensions asked for."""
    telemetry = MemoryTelemetry()
    telemetry.event("phase.done", n=1)
    telemetry.problem("phase.failed", code="Refused")
    telemetry.count("RecordsApplied", 2, element="patients", outcome="written")
    telemetry.count("RecordsApplied", 3, element="patients", outcome="current")
    telemetry.count("RecordsApplied", 4, element="problems", outcome="current")
    assert [("phase.done", {"n": 1})] == telemetry.events
    assert [("phase.failed", {"code": "Refused"})] == telemetry.problems
    assert 5 == telemetry.total("RecordsApplied", element="patients")
    assert 0 == telemetry.total("Other")
