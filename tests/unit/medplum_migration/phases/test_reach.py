"""Whether a backfill still comes by a record, as the legacy store orders keys."""

from medplum_migration.domain.checkpoint import Chunk
from medplum_migration.domain.phase import Phase
from medplum_migration.phases.reach import LookAhead, Reach
from tests.backfills import drive, start
from tests.world import World


def reach(world: World, key: int) -> Reach:
    """Ask for a record as it is now."""
    ahead = LookAhead(checkpoints=world.checkpoints, legacy=world.legacy)
    return ahead.reach("people", world.legacy.read("people", [str(key)])[0])


def test_without_a_backfill_nothing_comes_by(world: World) -> None:
    """Before a run, and after it."""
    world.write(1, "A")
    assert Reach.NO_BACKFILL is reach(world, 1)

    start(world, 4)
    drive(world)
    assert Reach.NO_BACKFILL is reach(world, 1)


def test_what_is_not_planned_yet_is_ahead(world: World) -> None:
    """The planner has not begun; deletions come last."""
    world.write(3, "A")
    world.delete(3)
    start(world, 2)

    assert (Reach.AHEAD, Reach.AHEAD) == (reach(world, 1), reach(world, 3))


def test_keys_compare_as_numbers_where_the_store_says_so(world: World) -> None:
    """Chunks of 5: a done one has passed its keys, and 10 lies in the third."""
    start(world, 12)
    world.schedule_work()
    first = world.tasks.take()[0]
    world.backfill(first, deadline=float("inf"))

    assert [Reach.PASSED, Reach.PASSED] == [reach(world, key) for key in (0, 4)]
    assert [Reach.AHEAD] * 3 == [reach(world, key) for key in (5, 9, 10)]


def test_within_a_chunk_the_cursor_parts_them(world: World) -> None:
    """What lies behind the last page that is safely written has been passed."""
    start(world, 5)
    world.schedule_work()
    (chunk,) = (c for c in _chunks(world) if not c.deletions)
    world.checkpoints.save_chunk(chunk.model_copy(update={"cursor": "1"}))

    assert [Reach.PASSED, Reach.AHEAD] == [reach(world, key) for key in (1, 2)]


def _chunks(world: World) -> list[Chunk]:
    run = world.checkpoints.run("people")
    assert run is not None
    return world.checkpoints.chunks("people", run.run_id)


def test_a_sample_ends_before_the_rest(world: World) -> None:
    """With a limit neither later keys nor deletions are reached."""
    world.write(9, "A")
    world.delete(9)
    start(world, 8, limit=4)
    world.schedule_work()

    assert [Reach.AHEAD, Reach.BEYOND, Reach.BEYOND] == [reach(world, key) for key in (3, 7, 9)]


def test_deletions_have_a_chunk_of_their_own(world: World) -> None:
    """It is ahead until it is done; a paused run goes on some day."""
    world.write(99, "A")
    world.delete(99)
    start(world, 5)
    world.schedule_work()
    for task in world.tasks.take():
        world.backfill(task, deadline=float("inf"))
    world.schedule_work()
    world.steer_backfill.pause("people")
    (chunk,) = (c for c in _chunks(world) if c.deletions)
    assert Reach.AHEAD is reach(world, 99)

    world.checkpoints.save_chunk(chunk.finished(world.clock.now()))
    assert Reach.PASSED is reach(world, 99)


def test_an_abandoned_run_comes_by_nothing(world: World) -> None:
    """It never goes on."""
    start(world, 5)
    world.steer_backfill.abandon("people")
    world.set_phase(Phase.OFF)

    assert Reach.NO_BACKFILL is reach(world, 1)
