"""An operator's hand on a backfill: what may be done when, and what progress tells."""

import math

import pytest

from medplum_migration.domain.checkpoint import RunStatus
from medplum_migration.domain.errors import ConfigurationError, ConflictError
from medplum_migration.domain.phase import Phase
from tests.backfills import balance, drive, start
from tests.world import World


def test_a_backfill_needs_its_phase(world: World) -> None:
    """Dual write must be on, and the phase set, before history is copied."""
    world.set_phase(Phase.DUAL_WRITE)

    with pytest.raises(ConfigurationError, match="phase backfill"):
        world.steer_backfill.start("people", chunk_size=5)


def test_one_run_at_a_time(world: World) -> None:
    """A backfill that is started twice is refused the second time."""
    start(world, 4)

    with pytest.raises(ConfigurationError, match="a run is going on"):
        world.steer_backfill.start("people", chunk_size=5)


def test_commands_fit_the_run(world: World) -> None:
    """Only a running run is paused, and only a paused one is resumed."""
    with pytest.raises(ConfigurationError, match="no backfill"):
        world.steer_backfill.pause("people")
    start(world, 4)
    with pytest.raises(ConfigurationError, match="running, not paused"):
        world.steer_backfill.resume("people")

    assert RunStatus.PAUSED is world.steer_backfill.pause("people").status
    assert RunStatus.RUNNING is world.steer_backfill.resume("people").status


def test_a_restarted_chunk_is_applied_again(world: World) -> None:
    """Restarting a chunk of a finished run opens the run again and repairs what is missing."""
    run = start(world, 4)
    drive(world)
    held = world.held(0)
    world.fhir.remove("Patient", held["id"])
    world.steer_backfill.restart_chunk("people", 0)
    drive(world)

    assert ("Name 0", 4) == (world.surname(0), balance(world).successful)
    assert run.run_id == world.checkpoints.run("people").run_id  # type: ignore[union-attr] # because it was started


def test_only_chunks_that_exist_are_restarted(world: World) -> None:
    """A wrong number is told."""
    start(world, 4)

    with pytest.raises(ConfigurationError, match="no such chunk"):
        world.steer_backfill.restart_chunk("people", 9)


def test_progress_tells_rate_and_remaining_time(world: World) -> None:
    """Rate counts records since the start; the remaining time follows from it."""
    assert world.steer_backfill.progress("people") is None
    start(world, 12)
    world.schedule_work()
    world.clock.advance(10)
    world.backfill(world.tasks.take()[0], deadline=float("inf"))

    progress = world.steer_backfill.progress("people")
    assert progress is not None
    assert (0.5, 14.0, 1) == (progress.rate, progress.eta_s, progress.chunks_done)
    assert progress.quota_points > 0


def test_progress_before_the_first_tick(world: World) -> None:
    """Nothing is known yet, and nothing is made up."""
    start(world, 12)

    progress = world.steer_backfill.progress("people")
    assert progress is not None
    assert (None, None, 0.0) == (progress.run.total, progress.eta_s, progress.rate)


def test_a_chunk_of_a_running_run_is_restarted(world: World) -> None:
    """A worker that holds the chunk loses it; the run goes on."""
    start(world, 4)
    world.schedule_work()
    world.backfill(world.tasks.take()[0], deadline=-1.0)
    world.steer_backfill.restart_chunk("people", 0)
    world.clock.advance(1000)
    drive(world)

    assert 4 == balance(world).successful


def test_tasks_that_a_queue_lost_are_due_at_once(world: World) -> None:
    """A fresh worker need not wait until lost tasks count as lost; leased chunks stay leased."""
    start(world, 4, chunk_size=2)
    world.schedule_work()
    (first, _) = world.tasks.take()
    leased = world.checkpoints.chunk("people", first.run_id, first.chunk)
    assert leased is not None
    world.checkpoints.save_chunk(leased.leased("token", world.clock.now(), lease_s=60))
    world.steer_backfill.forget_tasks("people")

    assert 1 == world.schedule_work()


def test_a_restart_is_not_lost_to_a_scheduler_that_ends_the_run(world: World) -> None:
    """The scheduler saw every chunk done; the restart changes the run under it."""
    start(world, 4)
    drive(world, deadline=math.inf)
    run = world.checkpoints.run("people")
    assert run is not None
    stale = world.checkpoints.save_run(run.model_copy(update={"status": RunStatus.RUNNING}))
    world.steer_backfill.restart_chunk("people", 0)

    with pytest.raises(ConflictError):
        world.checkpoints.save_run(stale.model_copy(update={"status": RunStatus.DONE}))


def test_a_start_beside_changes_that_nobody_captures_is_refused(world: World) -> None:
    """While capture is off, a backfill would miss what is written beside it; on, it starts."""
    world.set_phase(Phase.BACKFILL)
    world.legacy.uncaptured.add("people")
    with pytest.raises(ConfigurationError, match="changes are not captured"):
        world.steer_backfill.start("people", chunk_size=5, captures=world.legacy.captures)
    assert world.checkpoints.run("people") is None
    world.legacy.uncaptured.clear()
    run = world.steer_backfill.start("people", chunk_size=5, captures=world.legacy.captures)
    assert run == world.checkpoints.run("people")
