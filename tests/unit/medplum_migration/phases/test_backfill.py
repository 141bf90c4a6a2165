"""Backfill: every key is applied, the balance closes, and nothing depends on a worker's life."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.domain.checkpoint import Balance, ChunkTask, RunStatus
from medplum_migration.domain.errors import (
    ConfigurationError,
    ConflictError,
    EventError,
    UnavailableError,
)
from medplum_migration.domain.phase import Phase
from medplum_migration.phases.backfill import ChunkEnd
from medplum_migration.phases.dual_write import Message
from medplum_migration.ports.fhir_store import Quota
from tests.backfills import balance, drive, start
from tests.world import World


class Killed(BaseException):
    """The end of a worker's process."""


def test_every_record_arrives_and_the_balance_closes(world: World) -> None:
    """All records are written once, in chunks and pages."""
    start(world, 23)
    drive(world)

    assert Balance(eligible=23, successful=23) == balance(world)
    assert 23 == world.fhir.writes
    assert "Name 22" == world.surname(22)


def test_keys_are_walked_in_their_own_order(world: World) -> None:
    """Numeric keys are cut numerically: 9 comes before 10."""
    run = start(world, 12, chunk_size=10)
    drive(world)

    chunks = world.checkpoints.chunks("people", run.run_id)
    assert [(None, "9"), ("9", "11")] == [(c.after, c.upto) for c in chunks if not c.deletions]


def test_a_limit_takes_the_first_records_only(world: World) -> None:
    """A small subset can be validated first."""
    start(world, 23, limit=7)
    drive(world)

    assert 7 == balance(world).eligible
    assert 7 == world.fhir.writes


def test_an_empty_table_ends_at_once(world: World) -> None:
    """Nothing to do is done."""
    start(world, 0)
    drive(world)

    assert Balance() == balance(world)


def test_a_second_run_writes_nothing(world: World) -> None:
    """A replay finds every record current, and costs searches only."""
    start(world, 10)
    drive(world)
    writes = world.fhir.writes
    world.steer_backfill.start("people", chunk_size=5)
    drive(world)

    assert (writes, Balance(eligible=10, successful=10)) == (world.fhir.writes, balance(world))


def test_live_writes_win_over_the_snapshot(world: World) -> None:
    """A row read before a live write arrives after it, and is counted as skipped."""
    start(world, 2)
    world.schedule_work()
    event = world.write(1, "Live")
    body = event.model_dump_json()
    real_page = world.legacy.page

    def stale_page(*args: Any, **kwargs: Any) -> Any:
        page = real_page(*args, **kwargs)
        world.dual_write([Message("m", body)])
        world.legacy.page = real_page  # type: ignore[method-assign] # because it lags only once
        return [
            r if r.key != "1" else type(r)("1", 1, {"number": 1, "surname": "Old"}) for r in page
        ]

    world.legacy.page = stale_page  # type: ignore[method-assign] # because the snapshot is old
    drive(world)

    assert Balance(eligible=2, successful=1, skipped=1) == balance(world)
    assert "Live" == world.surname(1)


def test_quarantined_records_close_the_balance(world: World) -> None:
    """A record that cannot be mapped is eligible, and ends as quarantined."""
    start(world, 3)
    world.write(1, "unmappable")
    drive(world)

    assert Balance(eligible=3, successful=2, quarantined=1) == balance(world)


def test_work_stops_at_the_deadline_and_continues(world: World) -> None:
    """With no time left, a worker does one page, hands over, and the next one goes on."""
    start(world, 9)
    world.schedule_work()
    (task, _) = world.tasks.take()

    assert ChunkEnd.CONTINUED is world.backfill(task, deadline=-1.0)
    assert 2 == world.fhir.writes
    assert [task] == world.tasks.take()
    drive(world, deadline=-1.0)
    assert Balance(eligible=9, successful=9) == balance(world)


def test_two_workers_never_share_a_chunk(world: World) -> None:
    """A task delivered twice is worked on once."""
    start(world, 4)
    world.schedule_work()
    (task,) = world.tasks.take()
    chunk = world.checkpoints.chunk("people", task.run_id, 0)
    assert chunk is not None
    world.checkpoints.save_chunk(chunk.leased("another", world.clock.now(), lease_s=60))

    assert ChunkEnd.STOPPED is world.backfill(task, deadline=math.inf)
    assert 0 == world.fhir.writes


def test_a_worker_that_lost_its_lease_stops(world: World) -> None:
    """A zombie's checkpoint is refused; its writes were fenced anyway."""
    start(world, 4)
    world.schedule_work()
    (task,) = world.tasks.take()
    real_page = world.legacy.page

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        chunk = world.checkpoints.chunk("people", task.run_id, 0)
        assert chunk is not None
        world.checkpoints.save_chunk(chunk)
        return real_page(*args, **kwargs)

    world.legacy.page = overtaken  # type: ignore[method-assign] # because another worker took over

    assert ChunkEnd.STOPPED is world.backfill(task, deadline=math.inf)


def _points_of_death(world: World) -> list[tuple[object, str]]:
    return [
        (world.checkpoints, "save_chunk"),
        (world.checkpoints, "save_run"),
        (world.legacy, "page"),
        (world.legacy, "boundary"),
        (world.fhir, "find"),
        (world.fhir, "write"),
        (world.manifest, "record"),
        (world.tasks, "send"),
    ]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, 4))
@pytest.mark.parametrize("point", range(8))
def test_death_at_any_point_loses_nothing(world: World, point: int, nth: int, when: str) -> None:
    """Killed before or after the n-th call of any port, the run ends with every record."""
    start(world, 12)
    port, name = _points_of_death(world)[point]
    real: Callable[..., Any] = getattr(port, name)
    calls = 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            raise Killed
        answer = real(*args, **kwargs)
        if calls == nth:
            raise Killed
        return answer

    setattr(port, name, dying)
    with pytest.raises(Killed):
        drive(world, deadline=-1.0)
    world.tasks.take()
    drive(world)

    assert Balance(eligible=12, successful=12) == balance(world)
    assert [f"Name {number}" for number in range(12)] == [world.surname(n) for n in range(12)]


def test_pause_and_resume(world: World) -> None:
    """A paused run stops after its page, enqueues nothing, and goes on where it was."""
    start(world, 10)
    world.schedule_work()
    world.steer_backfill.pause("people")
    for task in world.tasks.take():
        assert ChunkEnd.STOPPED is world.backfill(task, deadline=math.inf)
    assert 0 == world.schedule_work()
    world.steer_backfill.resume("people")
    world.clock.advance(1000)
    drive(world)

    assert Balance(eligible=10, successful=10) == balance(world)


def test_a_pause_during_work_stops_after_the_page(world: World) -> None:
    """The page under way is checkpointed; the chunk is given back and not enqueued."""
    start(world, 4)
    world.schedule_work()
    (task,) = world.tasks.take()
    real_find = world.fhir.find

    def pausing(*args: Any) -> Any:
        if world.checkpoints.run("people").status is RunStatus.RUNNING:  # type: ignore[union-attr] # because it was started
            world.steer_backfill.pause("people")
        return real_find(*args)

    world.fhir.find = pausing  # type: ignore[method-assign, assignment] # because the operator is quick

    assert ChunkEnd.STOPPED is world.backfill(task, deadline=math.inf)
    assert (2, []) == (world.fhir.writes, world.tasks.take())


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


def test_deletions_are_applied_last(world: World) -> None:
    """What was deleted while the element was off becomes a tombstone."""
    start(world, 3)
    drive(world)
    world.set_phase(Phase.OFF)
    event = world.delete(1)
    assert [] == world.dual_write([Message("m", event.model_dump_json())])
    assert "Name 1" == world.surname(1)

    world.set_phase(Phase.BACKFILL)
    world.steer_backfill.start("people", chunk_size=5)
    drive(world)
    assert world.surname(1) is None
    assert Balance(eligible=3, successful=3) == balance(world)


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
