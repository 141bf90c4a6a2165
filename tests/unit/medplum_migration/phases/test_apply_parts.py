"""A record that makes the server fail takes no other along, though they share a request."""

from collections.abc import Sequence

import pytest

from medplum_migration.domain.errors import UnansweredError
from medplum_migration.phases.apply import apply
from medplum_migration.ports.fhir_store import Write, WriteResult, WriteStatus
from tests.world import World


@pytest.fixture
def spoiled(world: World) -> World:
    """A server that answers a whole bundle with 500 when one record is in it."""
    write = world.fhir.write

    def fail_together(writes: Sequence[Write]) -> list[WriteResult]:
        families = {name.get("family") for w in writes for name in w.body.get("name", ())}
        if "poison" in families:
            return [WriteResult(WriteStatus.UNKNOWN, http_status=500)] * len(writes)
        return write(writes)

    world.fhir.write = fail_together  # type: ignore[method-assign]
    return world


def test_the_others_are_written(spoiled: World) -> None:
    """After some rounds only the one that makes the server fail is left."""
    events = [spoiled.write(number, "Ash") for number in range(99)]
    events.append(spoiled.write(99, "poison"))
    ended = apply(events, spoiled.mapping, spoiled.target)
    left = [applied for applied in ended if applied.outcome != "written"]

    assert ["99"] == [applied.change.key for applied in left]
    assert isinstance(left[0].error, UnansweredError)


def test_parts_end_with_the_time(spoiled: World) -> None:
    """Past the deadline no further part begins; what is left comes again."""
    events = [spoiled.write(number, "poison") for number in range(20)]
    began = spoiled.clock.now()
    find = spoiled.fhir.find

    def slow(resource_type: str, identifiers: Sequence[object]) -> list[dict[str, object]]:
        spoiled.clock.advance(10)
        return find(resource_type, identifiers)  # type: ignore[arg-type]

    spoiled.fhir.find = slow  # type: ignore[method-assign]
    ended = apply(events, spoiled.mapping, spoiled.target, deadline=began + 25)

    assert {"deferred"} == {applied.outcome.value for applied in ended}
    assert 20 == len(ended)
    assert 40 > spoiled.clock.now() - began
