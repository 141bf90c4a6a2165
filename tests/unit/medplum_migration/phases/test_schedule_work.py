"""Scheduling: chunks are planned ahead of the workers, and lost tasks are enqueued again."""

from dataclasses import replace
from typing import Any

import pytest

from medplum_migration.domain.errors import ConflictError, UnavailableError
from medplum_migration.domain.phase import Phase
from tests.world import World


def begin(world: World, records: int, *, chunk_size: int = 2) -> None:
    """Fill the legacy store and begin a backfill."""
    for number in range(records):
        world.write(number, "Name")
    world.set_phase(Phase.BACKFILL)
    world.steer_backfill.start("people", chunk_size=chunk_size)


def test_nothing_is_due_without_a_run(world: World) -> None:
    """A tick without work enqueues nothing."""
    assert 0 == world.schedule_work()


def test_work_in_flight_is_bounded(world: World) -> None:
    """No more chunks are enqueued than may be in flight; planning goes a little ahead."""
    begin(world, 40)

    assert 3 == world.schedule_work()
    assert 0 == world.schedule_work()
    run = world.checkpoints.run("people")
    assert run is not None
    assert (6, 40) == (run.chunks, run.total)


def test_a_lost_task_is_enqueued_again(world: World) -> None:
    """A chunk that nobody leased in time is due again."""
    begin(world, 2)
    assert 1 == world.schedule_work()
    world.tasks.take()
    world.clock.advance(world.schedule_work.patience_s)

    assert 1 == world.schedule_work()


def test_an_element_that_left_backfill_is_not_served(world: World) -> None:
    """Moving back to dual write stops the backfill."""
    begin(world, 2)
    world.set_phase(Phase.DUAL_WRITE)

    assert 0 == world.schedule_work()


def test_two_schedulers_at_once_plan_each_chunk_once(world: World) -> None:
    """The slower one finds the faster one's revision and leaves the tick to it."""
    begin(world, 40)
    real: Any = world.checkpoints.save_run

    def overtaken(run: Any) -> Any:
        world.checkpoints.save_run = real  # type: ignore[method-assign] # because only once
        world.schedule_work()
        return real(run)

    world.checkpoints.save_run = overtaken  # type: ignore[method-assign] # because another is faster

    assert 0 == world.schedule_work()
    run = world.checkpoints.run("people")
    assert run is not None
    chunks = world.checkpoints.chunks("people", run.run_id)
    assert [(None, "1"), ("1", "3")] == [(c.after, c.upto) for c in chunks[:2]]


def test_a_chunk_claimed_by_another_is_not_enqueued_twice(world: World) -> None:
    """A conflict on one chunk leaves the others alone."""
    begin(world, 4)
    world.schedule_work()
    world.tasks.take()
    world.clock.advance(world.schedule_work.patience_s)
    real: Any = world.checkpoints.save_chunk

    def conflicting(chunk: Any) -> Any:
        if chunk.number == 0:
            reason = "another worker stored this item"
            raise ConflictError(reason)
        return real(chunk)

    world.checkpoints.save_chunk = conflicting  # type: ignore[method-assign] # because another is faster

    assert 1 == world.schedule_work()


def test_one_element_in_trouble_stops_no_other(world: World) -> None:
    """The others are served first; then the trouble is told."""
    begin(world, 2)
    elements = {"people": world.mapping, "other": world.mapping}
    real = world.legacy.boundary
    schedule = replace(world.schedule_work, elements=dict(reversed(elements.items())))

    def troubled(element: str, **_: Any) -> Any:
        if element == "other":
            reason = "down"
            raise UnavailableError(reason)
        return real(element, **_)

    world.legacy.boundary = troubled  # type: ignore[method-assign] # because one table is locked
    world.checkpoints.save_element(
        world.checkpoints.element("other").model_copy(update={"phase": Phase.BACKFILL})
    )
    world.steer_backfill.start("other", chunk_size=5)

    with pytest.raises(UnavailableError):
        schedule()
    assert 1 == len(world.tasks.sent)
    assert 1 == world.telemetry.total("WorkDeferred", code="Unavailable")


def test_a_table_too_large_to_count_is_migrated(world: World) -> None:
    """The total is told, not needed."""
    begin(world, 2)

    def slow(_element: str) -> Any:
        reason = "the legacy store did not answer"
        raise UnavailableError(reason)

    world.legacy.count = slow  # type: ignore[method-assign, assignment] # because counting takes too long

    assert 1 == world.schedule_work()


def test_chunks_that_were_tried_least_come_first(world: World) -> None:
    """A chunk that fails again and again starves no other."""
    begin(world, 12)
    world.schedule_work()
    run = world.checkpoints.run("people")
    assert run is not None
    for number in range(3):
        chunk = world.checkpoints.chunk("people", run.run_id, number)
        assert chunk is not None
        leased = chunk.leased("t", world.clock.now(), lease_s=1)
        world.checkpoints.save_chunk(leased.released(world.clock.now()))
    world.tasks.take()
    world.clock.advance(world.schedule_work.patience_s)
    world.schedule_work()

    assert [3, 4, 5] == [task.chunk for task in world.tasks.take()]


def test_a_clinic_that_keeps_inserting_is_not_chased(world: World) -> None:
    """After a chunk that is not full come the deletions, whatever was inserted behind it since."""
    begin(world, 3)
    world.schedule_work()
    for number in range(3, 10):
        world.write(number, "Late")
    for chunk in world.checkpoints.chunks("people", run_id(world)):
        leased = chunk.leased("token", world.clock.now(), lease_s=60)
        world.checkpoints.save_chunk(leased.finished(world.clock.now()))
    world.schedule_work()

    chunks = world.checkpoints.chunks("people", run_id(world))
    assert [(2, False), (1, False), (0, True)] == [(c.size, c.deletions) for c in chunks]


def run_id(world: World) -> str:
    """Read the id of the run."""
    run = world.checkpoints.run("people")
    assert run is not None
    return run.run_id
