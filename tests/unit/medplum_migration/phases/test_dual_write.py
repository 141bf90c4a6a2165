"""Dual write: what is acknowledged, what is delivered again, and when an event is left alone."""

import pytest

from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.domain.errors import UnavailableError
from medplum_migration.domain.phase import Phase
from medplum_migration.phases.dual_write import Message, apply_at_once
from tests.world import World, full


def messages(*bodies: str) -> list[Message]:
    """Number messages m0, m1 and so on."""
    return [Message(f"m{number}", body) for number, body in enumerate(bodies)]


def test_a_good_batch_is_acknowledged_whole(world: World) -> None:
    """Applied and superseded events need no second delivery."""
    world.set_phase(Phase.DUAL_WRITE)
    batch = messages(*(full(1, v, f"V{v}").model_dump_json() for v in (1, 3, 2)))

    assert [] == world.dual_write(batch)
    assert ("V3", 1) == (world.surname(1), world.fhir.writes)


def test_all_messages_of_a_deferred_record_come_again(world: World) -> None:
    """A deferred record keeps every message that names it; others are acknowledged."""
    world.set_phase(Phase.DUAL_WRITE)
    world.fhir.inject(Fault.THROTTLED)
    batch = messages(*(full(1, v, "A").model_dump_json() for v in (1, 2)))

    assert ["m0", "m1"] == world.dual_write(batch)
    assert 1 == world.telemetry.total("WorkDeferred", code="Throttled", store="medplum")


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "{}",
        '{"element":"people","key":"1","version":"1","operation":"upsert"}',
        '{"element":"unknown","key":"1","version":1,"operation":"upsert"}',
    ],
)
def test_what_cannot_be_read_is_left_to_the_dead_letter_queue(world: World, body: str) -> None:
    """An unreadable message fails alone; the others of its batch are applied."""
    world.set_phase(Phase.DUAL_WRITE)

    assert ["m0"] == world.dual_write(messages(body, full(2, 1, "B").model_dump_json()))
    assert "B" == world.surname(2)
    assert 1 == world.telemetry.total("WorkDeferred", code="Event", store="sqs")


def test_an_element_that_is_off_is_left_alone(world: World) -> None:
    """Events of an element that does not migrate yet are acknowledged without effect."""
    assert [] == world.dual_write(messages(full(1, 1, "A").model_dump_json()))
    assert 0 == world.fhir.requests


def test_an_unknown_phase_defers(world: World) -> None:
    """When the control table does not answer, nothing is acknowledged."""
    world.control_items.available = False

    assert ["m0"] == world.dual_write(messages(full(1, 1, "A").model_dump_json()))
    assert 1 == world.telemetry.total("WorkDeferred", code="Unavailable")


def test_large_batches_are_applied_in_pages(world: World) -> None:
    """A page shares one search."""
    world.set_phase(Phase.DUAL_WRITE)
    world.dual_write(messages(*(full(n, 1, "A").model_dump_json() for n in range(250))))

    assert 3 == world.fhir.searches


def test_applying_at_once_tells_what_must_come_again(world: World) -> None:
    """Without a queue, deferred events raise a transient error."""
    world.set_phase(Phase.DUAL_WRITE)
    apply_at_once(world.dual_write, [full(1, 1, "A")])
    world.fhir.inject(Fault.THROTTLED)

    with pytest.raises(UnavailableError, match="events=1"):
        apply_at_once(world.dual_write, [full(1, 2, "B")])


def test_a_throttled_batch_waits_for_the_quota(world: World) -> None:
    """Deliveries are limited: the function waits, at most until its deadline, before it answers."""
    world.set_phase(Phase.DUAL_WRITE)
    world.fhir.inject(Fault.THROTTLED, Fault.THROTTLED)
    batch = messages(full(1, 1, "A").model_dump_json())
    world.dual_write(batch, deadline=world.clock.now() + 60)
    assert [7.0] == world.clock.pauses

    world.dual_write(batch, deadline=world.clock.now() + 3)
    assert [7.0, 3.0] == world.clock.pauses


def test_past_the_deadline_nothing_is_begun(world: World) -> None:
    """What is left comes again; the function answers in time."""
    world.set_phase(Phase.DUAL_WRITE)
    batch = messages(full(1, 1, "A").model_dump_json())

    assert ["m0"] == world.dual_write(batch, deadline=world.clock.now() - 1)
    assert 0 == world.fhir.requests
