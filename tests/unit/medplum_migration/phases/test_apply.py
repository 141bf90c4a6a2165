"""The write protocol: the highest version wins, whatever is lost, doubled, late or cut off."""

import itertools
import random

import pytest

from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.phases.outcome import Outcome
from tests.applying import applied, delete, outcomes
from tests.world import World, full


def test_a_new_record_is_created_once(world: World) -> None:
    """A thin event of a new record creates its resource with the fence of the row's version."""
    event = world.write(1, "Ada")

    assert ["written"] == outcomes(applied(world, event))
    assert "Ada" == world.surname(1)
    assert "urn:legacy:clinic:people:1#v=1&m=3" == world.held(1)["meta"]["source"]


def test_a_duplicate_costs_one_search_and_no_write(world: World) -> None:
    """A second delivery is current: nothing is read from the legacy store, nothing is written."""
    event = world.write(1, "Ada")
    applied(world, event)
    reads, writes = len(world.legacy.snapshots), world.fhir.writes

    assert ["current"] == outcomes(applied(world, event))
    assert (reads, writes) == (len(world.legacy.snapshots), world.fhir.writes)


def test_a_late_event_is_superseded(world: World) -> None:
    """An older image never overwrites a newer version."""
    applied(world, full(1, 5, "New"))

    assert ["superseded"] == outcomes(applied(world, full(1, 4, "Old")))
    assert "New" == world.surname(1)


def test_a_thin_event_jumps_to_the_newest_row(world: World) -> None:
    """The row is read when the event is applied, and its version is what is written."""
    first = world.write(1, "One")
    world.write(1, "Two")

    assert ["written"] == outcomes(applied(world, first))
    assert ("Two", 2) == (world.surname(1), world.version(1))


def test_equal_content_still_raises_the_fence(world: World) -> None:
    """A newer version with the same content is written, so that its elders stay out (ABA)."""
    applied(world, full(1, 1, "Same"))

    assert ["written"] == outcomes(applied(world, full(1, 2, "Same")))
    assert 2 == world.version(1)


def test_a_row_older_than_its_event_backs_off(world: World) -> None:
    """A lagging replica's row is not written; the event is delivered again."""
    event = world.write(1, "New")
    world.legacy.lag("people", "1")

    (ended,) = applied(world, event)

    assert ("deferred", "VersionBehind") == (ended.outcome.value, ended.error and ended.error.code)
    assert 0 == world.fhir.writes


def test_a_deleted_record_becomes_a_tombstone(world: World) -> None:
    """A delete hides all content, sets active to false and leaves the resource in place."""
    applied(world, world.write(1, "Ada"))

    assert ["written"] == outcomes(applied(world, world.delete(1)))
    held = world.held(1)
    assert (False, None) == (held["active"], held.get("name"))
    assert 2 == world.version(1)


def test_no_rebirth(world: World) -> None:
    """After a delete, no image of the same or an older version is ever visible."""
    applied(world, delete(1, 7))

    assert ["superseded"] == outcomes(applied(world, full(1, 6, "Ghost")))
    assert world.surname(1) is None


def test_a_thin_event_of_a_deleted_record_writes_the_tombstone(world: World) -> None:
    """The strong read finds the deletion's version; no event of the past revives the record."""
    event = world.write(1, "Ada")
    world.delete(1)

    assert ["written"] == outcomes(applied(world, event))
    assert (None, 2) == (world.surname(1), world.version(1))


def test_a_record_inserted_again_lives(world: World) -> None:
    """An insert after the delete has a higher version and removes the tombstone."""
    applied(world, world.write(1, "Ada"))
    applied(world, world.delete(1))
    applied(world, world.write(1, "Back"))

    held = world.held(1)
    assert ("Back", True) == (world.surname(1), held["active"])
    assert not held["meta"].get("tag")


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_any_order_of_images_ends_the_same(world: World, order: tuple[int, ...]) -> None:
    """Create, change, delete and re-insert, delivered in any order, end at the last version."""
    history = [full(1, 1, "A"), full(1, 2, "B"), delete(1, 3), full(1, 4, "D")]
    for index in order:
        applied(world, history[index])

    assert ("D", 4) == (world.surname(1), world.version(1))


def test_a_write_storm_ends_with_one_resource_and_few_writes(world: World) -> None:
    """A thousand updates, shuffled and doubled, as thin events cost a single write."""
    events = [world.write(1, f"Name {number}") for number in range(1000)] * 2
    random.Random(7).shuffle(events)
    for start in range(0, len(events), 100):
        applied(world, *events[start : start + 100])

    assert ("Name 999", 1000) == (world.surname(1), world.version(1))
    assert 1 == world.fhir.writes


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.LOST, Fault.COMMITTED])
def test_a_lost_race_or_answer_is_read_again(world: World, fault: Fault) -> None:
    """After a conflict or an unknown outcome the record is searched again and ends exactly once."""
    world.fhir.inject(fault)

    assert applied(world, world.write(1, "Ada"))[0].outcome in {Outcome.WRITTEN, Outcome.CURRENT}
    assert "Ada" == world.surname(1)


def test_a_stale_search_is_harmless(world: World) -> None:
    """A search that misses a newer version leads to a 412, a second look, and no damage."""
    applied(world, full(1, 1, "One"))
    world.fhir.hold()
    applied(world, full(1, 3, "Three"))  # takes the held answer, and writes over version 1
    world.fhir.hold()
    applied(world, full(1, 4, "Four"))

    assert ["superseded"] == outcomes(applied(world, full(1, 2, "Two")))
    assert ("Four", 4) == (world.surname(1), world.version(1))


def test_two_creators_make_one_resource(world: World) -> None:
    """A create that finds another's resource starts over and writes by id."""
    world.fhir.hold()
    empty = world.fhir._stale.popleft()  # noqa: SLF001 because the test owns the interleaving
    applied(world, full(1, 2, "Two"))
    world.fhir._stale.append(empty)  # noqa: SLF001 because the test owns the interleaving

    assert ["written"] == outcomes(applied(world, full(1, 3, "Three")))
    assert ("Three", 3) == (world.surname(1), world.version(1))


def test_what_others_added_stays(world: World) -> None:
    """An update keeps elements that the mapping does not own."""
    applied(world, world.write(1, "Ada"))
    world.fhir.edit("Patient", world.held(1)["id"], lambda r: r.update(birthDate="1980-01-01"))
    applied(world, world.write(1, "Lovelace"))

    assert ("Lovelace", "1980-01-01") == (world.surname(1), world.held(1)["birthDate"])


def test_a_new_mapping_version_applies_the_same_row_again(world: World) -> None:
    """The fence orders by version, then by mapping version: a re-run reaches all."""
    applied(world, full(1, 1, "Ada"))
    type(world.mapping).mapping_version = 4
    try:
        assert ["written"] == outcomes(applied(world, full(1, 1, "Ada")))
    finally:
        type(world.mapping).mapping_version = 3

    assert ["superseded"] == outcomes(applied(world, full(1, 1, "Ada")))


def test_one_search_and_one_write_call_serve_a_page(world: World) -> None:
    """A page of new records costs one search and no more requests than creates."""
    events = [world.write(number, "Ada") for number in range(50)]
    applied(world, *events)

    assert (1, 50) == (world.fhir.searches, world.fhir.writes)
