"""Backfill in trouble: quotas, outages, poison records, lost leases."""

import math
from typing import Any

import pytest

from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.domain.checkpoint import Balance, ChunkTask
from medplum_migration.domain.errors import (
    ConfigurationError,
    ConflictError,
    EventError,
    UnavailableError,
)
from medplum_migration.phases.apply import apply
from medplum_migration.phases.backfill import ChunkEnd
from medplum_migration.ports.fhir_store import Quota, WriteResult, WriteStatus
from tests.backfills import balance, drive, start
from tests.world import World


def test_throttling_hands_the_chunk_over_until_the_quota_returns(world: World) -> None:
    """A 429 ends the work with a delayed task; nothing is skipped."""
    start(world, 4)
    world.schedule_work()
    (task,) = world.tasks.take()
    world.fhir.inject(Fault.THROTTLED)

    assert ChunkEnd.CONTINUED is world.backfill(task, deadline=math.inf)
    assert [(task, 7)] == world.tasks.sent


def test_a_reserve_of_quota_is_left_to_live_traffic(world: World) -> None:
    """Below the reserve the backfill waits for the window to end, before it reads anything."""
    start(world, 4)
    world.schedule_work()
    (task,) = world.tasks.take()
    world.fhir.limit = Quota(remaining=99, resets_in_s=41.5)

    assert ChunkEnd.CONTINUED is world.backfill(task, deadline=math.inf)
    assert [(task, 42)] == world.tasks.sent
    assert 0 == world.fhir.requests


def test_a_poison_record_is_given_up_after_its_setbacks(world: World) -> None:
    """A record whose every write ends unknown is held back alone, and the chunk goes on."""
    start(world, 2)
    real_write = world.fhir.write

    def poisoned(writes: Any) -> Any:
        world.fhir.inject(
            *(Fault.LOST if w.body["name"][0]["family"] == "Name 0" else None for w in writes)
        )
        return real_write(writes)

    world.fhir.write = poisoned  # type: ignore[method-assign] # because the server chokes on one record
    drive(world)

    assert Balance(eligible=2, successful=1, rejected=1) == balance(world)
    assert world.quarantine.get("people", "0") is not None


def test_medplum_being_down_gives_nothing_up(world: World) -> None:
    """Setbacks of a whole page wait for the server, however many there are."""
    start(world, 2)
    world.schedule_work()
    (task,) = world.tasks.take()
    for _ in range(20):
        world.fhir.inject_find(*[UnavailableError("down")] * world.target.rounds)
        assert ChunkEnd.CONTINUED is world.backfill(task, deadline=math.inf)

    drive(world)
    assert Balance(eligible=2, successful=2) == balance(world)


def test_a_task_without_a_chunk_is_an_error(world: World) -> None:
    """A task that names nothing goes to the dead-letter queue."""
    with pytest.raises(EventError, match="does not exist"):
        world.backfill(ChunkTask(element="people", run_id="x", chunk=0), deadline=math.inf)


def test_a_task_of_an_older_run_is_dropped(world: World) -> None:
    """Only the latest run of an element is worked on."""
    first = start(world, 4)
    drive(world)
    world.steer_backfill.start("people", chunk_size=5)
    old = world.checkpoints.chunks("people", first.run_id)[0]
    world.checkpoints.save_chunk(old.restarted())

    task = ChunkTask(element="people", run_id=first.run_id, chunk=0)
    assert ChunkEnd.STOPPED is world.backfill(task, deadline=math.inf)


def test_a_lease_lost_to_a_faster_worker_is_no_error(world: World) -> None:
    """Two workers that read the same free chunk: one wins, the other stops."""
    start(world, 4)
    world.schedule_work()
    (task,) = world.tasks.take()

    def losing(_chunk: object) -> Any:
        reason = "another worker stored this item"
        raise ConflictError(reason)

    world.checkpoints.save_chunk = losing  # type: ignore[method-assign, assignment] # because another is faster

    assert ChunkEnd.STOPPED is world.backfill(task, deadline=math.inf)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UnavailableError("away")])
def test_a_failure_gives_the_lease_back(
    world: World, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted worker, or one whose legacy store is away, leaves a chunk that is free."""
    run = start(world, 4)
    world.schedule_work()
    (task,) = world.tasks.take()

    def fail(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(world.legacy, "page", fail)
        with pytest.raises(type(error)):
            world.backfill(task, deadline=math.inf)

    chunk = world.checkpoints.chunk("people", run.run_id, 0)
    assert chunk is not None
    assert chunk.is_free(world.clock.now())
    assert ChunkEnd.DONE is world.backfill(task, deadline=math.inf)


def test_writes_that_all_fail_give_nothing_up(world: World) -> None:
    """A server that answers searches but stores nothing is down, however long."""
    start(world, 2)
    world.schedule_work()
    (task,) = world.tasks.take()
    for _ in range(20):
        world.fhir.inject(*[Fault.LOST] * 2 * world.target.rounds)
        assert ChunkEnd.CONTINUED is world.backfill(task, deadline=math.inf)

    drive(world)
    assert Balance(eligible=2, successful=2) == balance(world)


def test_throttling_is_no_setback(world: World) -> None:
    """A record is not blamed for the quota."""
    start(world, 2)
    world.schedule_work()
    (task,) = world.tasks.take()
    for _ in range(20):
        world.fhir.inject(Fault.THROTTLED)
        world.backfill(task, deadline=math.inf)

    chunk = world.checkpoints.chunk("people", task.run_id, 0)
    assert chunk is not None
    assert 0 == chunk.setbacks


def test_a_lone_poison_record_is_given_up_at_last(world: World) -> None:
    """With nobody to compare it with, a record gets a much longer patience."""
    start(world, 1)
    world.schedule_work()
    (task,) = world.tasks.take()
    for _ in range(101):
        world.fhir.inject(*[Fault.LOST] * world.target.rounds)
        world.backfill(task, deadline=math.inf)
    drive(world)

    assert Balance(eligible=1, rejected=1) == balance(world)


def test_keys_that_no_event_may_have_are_quarantined(world: World) -> None:
    """Each ends in the balance; the others of the page go on."""
    for key in ("", "x" * 300, "1"):
        world.legacy._numeric = frozenset()  # noqa: SLF001 because these keys are text
        world.legacy.set("people", key, {"number": 1, "surname": "Ada"})
    start(world, 0)
    drive(world)

    assert Balance(eligible=3, successful=1, quarantined=2) == balance(world)


def test_a_setting_to_mend_waits_a_minute(world: World) -> None:
    """A missing column is nobody's record."""
    start(world, 1)
    world.schedule_work()
    (task,) = world.tasks.take()
    real = world.fhir.find

    def refused(*_: object) -> Any:
        reason = "Medplum refuses the client id or its secret"
        raise ConfigurationError(reason)

    world.fhir.find = refused  # type: ignore[method-assign, assignment] # because the secret is wrong
    assert ChunkEnd.CONTINUED is world.backfill(task, deadline=math.inf)
    assert [(task, 60)] == world.tasks.sent
    world.fhir.find = real  # type: ignore[method-assign] # because it was mended
    drive(world)
    assert 1 == balance(world).successful


def test_nobody_pays_for_a_record_that_is_never_answered(world: World) -> None:
    """A write that hangs ends its lane: the others are not sent, and none of them is given up."""
    start(world, 5)
    real = world.fhir.write

    def hanging(writes: Any) -> Any:
        results, hung = [], False
        for write in writes:
            hung = hung or write.body["name"][0]["family"] == "Name 1"
            results += [WriteResult(WriteStatus.UNKNOWN)] if hung else real([write])
        return results

    world.fhir.write = hanging  # type: ignore[method-assign] # because one record hangs
    drive(world)

    assert Balance(eligible=5, successful=4, rejected=1) == balance(world)
    assert "Name 4" == world.surname(4)


def test_an_outage_of_writes_blames_nobody_beside_a_current_record(world: World) -> None:
    """A record that needs no write proves nothing about writes."""
    start(world, 2)
    apply([world.write(0, "Name 0")], world.mapping, world.target)
    world.schedule_work()
    (task,) = world.tasks.take()
    for _ in range(30):
        world.fhir.inject(*[Fault.LOST] * 2 * world.target.rounds)
        world.backfill(task, deadline=math.inf)
        world.fhir._faults.clear()  # noqa: SLF001 because each delivery has its own outage
    drive(world)

    assert Balance(eligible=2, successful=2) == balance(world)


def test_a_run_that_missed_writes_never_goes_on(world: World) -> None:
    """Turning the element off abandons the run: a new one reads every row again."""
    start(world, 2)
    world.schedule_work()
    world.backfill(world.tasks.take()[0], deadline=-1.0)
    world.steer_backfill.abandon("people")
    with pytest.raises(ConfigurationError, match="abandoned"):
        world.steer_backfill.restart_chunk("people", 0)
    world.steer_backfill.start("people", chunk_size=5)
    drive(world)

    assert Balance(eligible=2, successful=2) == balance(world)
