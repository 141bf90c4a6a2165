"""Backfills in a world in memory: begin one, let it go on, read its balance."""

import math

from medplum_migration.domain.checkpoint import Balance, Run, RunStatus
from medplum_migration.domain.phase import Phase
from tests.world import World


def start(world: World, records: int, *, chunk_size: int = 5, limit: int | None = None) -> Run:
    """Fill the legacy store and begin a backfill."""
    for number in range(records):
        world.write(number, f"Name {number}")
    world.set_phase(Phase.BACKFILL)
    return world.steer_backfill.start("people", chunk_size=chunk_size, limit=limit)


def drive(world: World, *, deadline: float = math.inf, ticks: int = 500) -> None:
    """Let scheduler and workers go on until the run is done."""
    for _ in range(ticks):
        run = world.checkpoints.run("people")
        if run is not None and run.status is RunStatus.DONE:
            return
        world.schedule_work()
        for task in world.tasks.take():
            world.backfill(task, deadline=deadline)
        world.clock.advance(1)
    message = "the run did not end"
    raise AssertionError(message)


def balance(world: World) -> Balance:
    """Read the balance of the latest run."""
    progress = world.steer_backfill.progress("people")
    assert progress is not None
    return progress.balance
