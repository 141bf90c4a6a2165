"""Changes of rows from other publishers: read again by default, or taken as full images."""

import json
from dataclasses import replace
from typing import Any

import pytest

from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.domain.phase import Phase
from medplum_migration.phases.dual_write import Message
from tests.published import dms, mysql, outbox, postgresql, sample, with_schema
from tests.world import World

ROW = {"number": 1, "surname": "Image"}
COLUMNS = {"number": "int64", "surname": "string"}


@pytest.fixture
def world() -> World:
    """An element that is on, with one record, captured."""
    made = World()
    made.set_phase(Phase.DUAL_WRITE)
    made.write(1, "Row")
    return made


def send(world: World, *bodies: Any) -> list[str]:
    """Send messages m0, m1 and so on; return what must come again."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return world.dual_write([Message(f"m{n}", text) for n, text in enumerate(texts)])


CHANGES = [
    postgresql("u", after=ROW),
    mysql("u", before=ROW, after=ROW),
    dms("update", ROW),
    with_schema(postgresql("r", after=ROW), **COLUMNS),
]


@pytest.mark.parametrize("message", CHANGES)
def test_a_change_is_a_hint_to_read_the_record(world: World, message: dict[str, Any]) -> None:
    """The row and its version decide; the image is not used."""
    assert [] == send(world, message)
    assert ("Row", 1) == (world.surname(1), world.version(1))


def test_a_hint_is_never_superseded_unread(world: World) -> None:
    """Medplum is past any position of nothing: a newer row is written all the same."""
    send(world, postgresql("u", after=ROW, lsn=1))
    world.write(1, "Newer")

    assert [] == send(world, postgresql("u", after=ROW, lsn=2))
    assert ("Newer", 2) == (world.surname(1), world.version(1))


def test_a_hint_at_a_deleted_record_writes_its_tombstone(world: World) -> None:
    """With the version of the deletion, whatever the log position is."""
    send(world, postgresql("u", after=ROW))
    world.delete(1)

    assert [] == send(world, postgresql("d", before=ROW))
    assert (False, 2) == (world.held(1)["active"], world.version(1))


def test_an_old_hint_brings_nothing_back(world: World) -> None:
    """A late update of a deleted record finds no row."""
    world.delete(1)
    send(world, postgresql("d", before=ROW), postgresql("u", after=ROW))

    assert (False, 2) == (world.held(1)["active"], world.version(1))


@pytest.mark.parametrize(
    "message", [postgresql("u", after={"number": 2}), dms("delete", {"number": 2})]
)
def test_a_change_that_capture_missed_is_refused(world: World, message: dict[str, Any]) -> None:
    """Without versions a later change could not be told from an earlier one."""
    world.legacy.set("people", "2", {"number": 2, "surname": "Uncaptured"}, version=0)
    if "metadata" in message:
        world.legacy.set("people", "2", None, version=0)

    assert ["m1"] == send(world, CHANGES[0], message)
    assert "Row" == world.surname(1)
    assert "is capture on?" in str(world.telemetry.problems)
    assert 1 == world.telemetry.total("WorkDeferred", code="Event")


def test_a_row_of_a_snapshot_needs_no_version(world: World) -> None:
    """It may never have changed since capture began; a backfill reads it the same way."""
    world.legacy.set("people", "2", {"number": 2, "surname": "Old"}, version=0)

    assert [] == send(world, postgresql("r", after={"number": 2}))
    assert ("Old", 0) == (world.surname(2), world.version(2))


def test_a_record_that_never_was_one_leaves_no_tombstone(world: World) -> None:
    """A snapshot's row that is gone, and was never captured, is nothing to Medplum."""
    assert [] == send(world, postgresql("r", after={"number": 2}))
    assert 0 == world.fhir.requests


def test_changes_of_other_tables_are_counted_and_let_go(world: World) -> None:
    """A stream may carry the whole database."""
    assert [] == send(world, [sample("dms", 1), postgresql("c", after=ROW, table="other")])
    assert 2 == world.telemetry.total("ChangesOfOtherTables")


def test_an_element_that_is_off_lets_its_changes_go(world: World) -> None:
    """Not even a broken change is read."""
    world.set_phase(Phase.OFF)

    assert [] == send(world, postgresql("u", after={}))
    assert 1 == world.telemetry.total("EventsIgnored", element="people")


def test_a_change_without_a_key_comes_again_alone(world: World) -> None:
    """Until the dead-letter queue has it."""
    assert ["m0"] == send(world, postgresql("u", after={"surname": "Jane"}), CHANGES[0])
    assert "Row" == world.surname(1)
    assert "Jane" not in str(world.telemetry.problems)


def test_a_store_that_does_not_answer_defers_the_hints(world: World) -> None:
    """Nothing is acknowledged unread."""
    world.legacy.available = False

    assert ["m0"] == send(world, CHANGES[0])


def test_a_message_of_several_changes_comes_again_whole_and_once(world: World) -> None:
    """One deferred record keeps the message."""
    world.write(2, "Other")
    world.fhir.inject(Fault.THROTTLED)
    both = [postgresql("u", after={"number": n}) for n in (1, 2)]

    assert ["m0"] == send(world, both)


def test_the_outbox_may_come_as_a_stream(world: World) -> None:
    """Its rows are thin events: the version is the one that the store knows."""
    assert [] == send(world, outbox(1, "1"))
    assert ("Row", 1) == (world.surname(1), world.version(1))

    world.delete(1)
    assert [] == send(world, outbox(2, "1", "delete"))
    assert (False, 2) == (world.held(1)["active"], world.version(1))


@pytest.fixture
def imaging(world: World) -> World:
    """A world that takes images, and whose legacy store cannot be reached."""
    world.dual_write = replace(world.dual_write, images=True)
    world.legacy.available = False
    return world


def image(lsn: int, surname: str, operation: str = "u") -> dict[str, Any]:
    """Make a change with its schema."""
    row = {"number": 1, "surname": surname}
    return with_schema(postgresql(operation, after=row, lsn=lsn), **COLUMNS)


def test_with_images_the_log_position_is_the_version(imaging: World) -> None:
    """Nothing is read; the last change wins in any order of arrival."""
    for message in (image(7, "Second"), image(5, "First"), image(3, "Snapshot", "r")):
        assert [] == send(imaging, message)

    assert ("Second", 7) == (imaging.surname(1), imaging.version(1))


def test_a_snapshot_never_hides_a_change_that_it_did_not_see(imaging: World) -> None:
    """A transaction writes its row at 5, the snapshot is taken at 6, then it commits."""
    assert [] == send(imaging, image(6, "Before", "r"))
    assert [] == send(imaging, image(5, "After"))

    assert ("After", 5) == (imaging.surname(1), imaging.version(1))


def test_with_images_a_delete_says_all(imaging: World) -> None:
    """An older image brings nothing back."""
    send(imaging, postgresql("d", before={"number": 1}, lsn=9), image(5, "First"))

    assert (False, 9) == (imaging.held(1)["active"], imaging.version(1))


def test_images_without_a_position_are_refused(imaging: World) -> None:
    """AWS DMS documents none that grows."""
    assert ["m0"] == send(imaging, dms("update", ROW))
    assert "log position" in str(imaging.telemetry.problems)
    assert imaging.telemetry.total("WorkDeferred", code="Event")
