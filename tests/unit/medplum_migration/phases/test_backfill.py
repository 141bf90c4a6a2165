"""Backfill: every key is applied, the balance closes, and nothing depends on a worker's life."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from medplum_migration.domain.checkpoint import Balance, RunStatus
from medplum_migration.domain.phase import Phase
from medplum_migration.phases.backfill import ChunkEnd
from medplum_migration.phases.dual_write import Message
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
