"""The write protocol for records that have several resources, each with a fence of its own."""

from collections.abc import Callable
from collections.abc import Mapping as Dict
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.identity import Fence, Identifier
from medplum_migration.mapping.field import Constant, Field, refuse
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.part import Part
from medplum_migration.phases.apply import apply
from tests.world import SYSTEM, PersonMapping, World, full

SLOTS = ("a", "b")


class PairRow(BaseModel):
    """One row, its surname under a name for each resource."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    number: int
    surname_a: str | None
    surname_b: str | None


def _letter(place: int) -> Callable[[str], str | None]:
    """Take one letter of the surname; `lost` cannot be mapped."""

    def take(surname: str) -> str | None:
        if surname == "lost":
            refuse("is lost")
        return surname[place : place + 1] or None

    return take


class PairMapping(PersonMapping):
    """A surname of two letters makes two resources, a shorter one fewer."""

    row = PairRow
    fields = (Constant("active", value=True),)
    parts = tuple(
        Part(slot, Field(f"surname_{slot}", "name[use=official].family", _letter(place)))
        for place, slot in enumerate(SLOTS)
    )

    def to_fhir(self, row: Dict[str, object]) -> tuple[Resource, ...] | Quarantine:
        """Feed both columns from one; a stray has somebody else's identifier."""
        if row["surname"] == "stray":
            return (_person("elsewhere", "a", "x"),)
        both = {f"surname_{slot}": row["surname"] for slot in SLOTS}
        return super().to_fhir({"number": row["number"], **both})


def _person(value: str, slot: str, letter: str) -> Resource:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": f"{SYSTEM}/{slot}", "value": value}],
        "active": True,
        "name": [{"use": "official", "family": letter}],
    }


@pytest.fixture
def pair(world: World) -> World:
    """The world, with records that have two resources."""
    world.mapping = PairMapping()
    return world


def shown(world: World) -> dict[str, Any]:
    """Tell, by slot, what Medplum shows and at which version; None for a tombstone."""
    told: dict[str, Any] = {}
    for slot in SLOTS:
        for resource in world.fhir.resources.find("Patient", [Identifier(f"{SYSTEM}/{slot}", "1")]):
            fence = Fence.parse(resource["meta"]["source"])
            name = resource.get("name", [{}])[0].get("family")
            told[slot] = (name, fence.version if fence else None)
    return told


def run(world: World, version: int, letters: str) -> str:
    """Apply an image of the record; tell the outcome."""
    (ended,) = apply([full(1, version, letters)], world.mapping, world.target)
    return ended.outcome.value


def test_both_resources_are_written(pair: World) -> None:
    """One search and two creates; the manifest names both."""
    assert "written" == run(pair, 1, "XY")
    assert {"a": ("X", 1), "b": ("Y", 1)} == shown(pair)
    known = pair.manifest.get("people", "1")
    assert known is not None
    assert 2 == len(known.resources)


def test_a_half_written_record_is_completed(pair: World) -> None:
    """When one of two writes keeps failing, only that one is written again."""
    pair.fhir.inject(None, *[Fault.CONFLICT] * 99)
    assert "deferred" == run(pair, 1, "XY")
    pair.fhir._faults.clear()  # noqa: SLF001 because the fault is over
    before = pair.fhir.writes

    assert "written" == run(pair, 1, "XY")
    assert {"a": ("X", 1), "b": ("Y", 1)} == shown(pair)
    assert 1 == pair.fhir.writes - before


def test_a_complete_record_is_current(pair: World) -> None:
    """At the same version with nothing missing, nothing is written."""
    run(pair, 1, "XY")

    assert "current" == run(pair, 1, "XY")
    assert 2 == pair.fhir.writes


def test_a_resource_the_record_no_longer_yields_is_marked(pair: World) -> None:
    """A resource that is gone from the row becomes a tombstone, and comes back with it."""
    run(pair, 1, "XY")
    run(pair, 2, "X")
    assert {"a": ("X", 2), "b": (None, 2)} == shown(pair)

    run(pair, 3, "XZ")
    assert {"a": ("X", 3), "b": ("Z", 3)} == shown(pair)


def test_a_newer_part_supersedes_the_whole(pair: World) -> None:
    """If any of a record's resources is at a newer version, the older event writes nothing."""
    run(pair, 2, "XY")

    assert "superseded" == run(pair, 1, "AB")
    assert {"a": ("X", 2), "b": ("Y", 2)} == shown(pair)


@pytest.mark.parametrize(
    ("letters", "reason"),
    [("lost", "is lost"), ("stray", "exactly one identifier")],
)
def test_what_belongs_to_nobody_is_quarantined(pair: World, letters: str, reason: str) -> None:
    """A mapping's own error, and a resource with a strange identifier, are told."""
    assert "quarantined" == run(pair, 1, letters)
    entry = pair.quarantine.get("people", "1")
    assert entry is not None
    assert reason in entry.reason


def test_a_second_resource_found_while_creating_goes_to_a_person(pair: World) -> None:
    """Medplum's 412 for several matches is a matter of identity, not of content."""
    body = _person("1", "a", "X")
    pair.fhir.hold()
    pair.fhir.seed(body)
    pair.fhir.seed(body)

    assert "quarantined" == run(pair, 1, "X")


def test_running_out_of_manifest_defers_all_but_the_superseded(pair: World) -> None:
    """A superseded record needs no evidence, and is acknowledged all the same."""
    run(pair, 2, "XY")
    pair.manifest_items.available = False
    older, other = full(1, 1, "AB"), full(2, 1, "C")
    ended = apply([older, other], pair.mapping, pair.target)

    assert {"1": "superseded", "2": "deferred"} == {a.change.key: a.outcome.value for a in ended}


@pytest.mark.parametrize("late", [1, 4])
def test_what_an_older_version_left_behind_is_marked(pair: World, late: int) -> None:
    """An older create that slips in beside a newer write shows nothing, without any row.

    Neither the older event itself nor a later one that cannot be mapped leaves it there.
    """
    run(pair, 2, "Z")
    stale = {"meta": {"source": "urn:legacy:clinic:people:1#v=1&m=3"}}
    pair.fhir.seed(_person("1", "b", "Y") | stale)
    pair.legacy.available = False
    ended = run(pair, late, "XY" if late == 1 else "lost")

    assert {1: "superseded", 4: "quarantined"}[late] == ended
    assert {"a": ("Z", 2), "b": (None, 1)} == shown(pair)
    assert "written" == run(pair, 5, "ZW")
    assert {"a": ("Z", 5), "b": ("W", 5)} == shown(pair)


def test_who_wrote_the_newest_version_writes_over_what_was_marked(pair: World) -> None:
    """A part that was marked while its newest version was half written comes back with it."""
    run(pair, 1, "XY")
    pair.fhir.inject(None, *[Fault.CONFLICT] * 99)
    run(pair, 2, "ZW")
    pair.fhir._faults.clear()  # noqa: SLF001 because the fault is over
    run(pair, 1, "XY")
    assert {"a": ("Z", 2), "b": (None, 1)} == shown(pair)

    assert "written" == run(pair, 2, "ZW")
    assert {"a": ("Z", 2), "b": ("W", 2)} == shown(pair)


def test_a_mark_that_cannot_be_written_is_tried_again(pair: World) -> None:
    """A lost race over a resource that was left behind defers the older event."""
    run(pair, 2, "Z")
    stale = {"meta": {"source": "urn:legacy:clinic:people:1#v=1&m=3"}}
    pair.fhir.seed(_person("1", "b", "Y") | stale)
    pair.fhir.inject(*[Fault.CONFLICT] * 99)

    assert "deferred" == run(pair, 1, "XY")


def test_an_image_that_comes_with_a_delete(pair: World) -> None:
    """It is the row as it was: the record is deleted all the same."""
    run(pair, 1, "X")
    gone = full(1, 2, "X").model_copy(update={"operation": Operation.DELETE})
    (ended,) = apply([gone], pair.mapping, pair.target)

    assert (ended.outcome, ended.deleted) == ("written", True)
    assert {"a": (None, 2)} == shown(pair)


def test_an_image_completes_what_it_began_without_the_legacy_store(pair: World) -> None:
    """A half-written newest version needs no row: the image in hand is as new."""
    run(pair, 1, "XY")
    pair.fhir.inject(None, *[Fault.CONFLICT] * 99)
    run(pair, 2, "ZW")
    pair.fhir._faults.clear()  # noqa: SLF001 because the fault is over
    pair.legacy.available = False

    assert "written" == run(pair, 2, "ZW")
    assert {"a": ("Z", 2), "b": ("W", 2)} == shown(pair)


def test_one_tombstone_keeps_images_out(pair: World) -> None:
    """A deletion of a record that Medplum never saw leaves one tombstone, not one for each part."""
    gone = ChangeEvent(element="people", key="1", version=5, operation=Operation.DELETE)
    (ended,) = apply([gone], pair.mapping, pair.target)

    assert "written" == ended.outcome.value
    assert {"a": (None, 5)} == shown(pair)
    assert "superseded" == run(pair, 4, "XY")


def test_a_deletion_marks_what_is_there(pair: World) -> None:
    """Every resource of the record that Medplum holds becomes a tombstone."""
    run(pair, 1, "XY")
    gone = ChangeEvent(element="people", key="1", version=2, operation=Operation.DELETE)
    apply([gone], pair.mapping, pair.target)

    assert {"a": (None, 2), "b": (None, 2)} == shown(pair)


def test_a_record_that_gives_nothing(pair: World) -> None:
    """What never gave a resource is quarantined; what once did is marked."""
    assert "quarantined" == run(pair, 1, "")
    run(pair, 2, "X")
    assert "written" == run(pair, 3, "")
    assert {"a": (None, 3)} == shown(pair)


def test_whoever_looks_last_mends(pair: World) -> None:
    """Two versions that write different resources of one record: the newer marks the older's."""
    pair.legacy.set("people", "1", {"number": 1, "surname": "ignored"})
    newer = pair.legacy.set("people", "1", {"number": 1, "surname": "Z"})
    stale = _person("1", "b", "Y") | {"meta": {"source": "urn:legacy:clinic:people:1#v=1&m=3"}}
    pair.fhir.hold()
    pair.fhir.seed(stale)

    assert "written" == run(pair, newer, "Z")
    assert {"a": ("Z", newer), "b": (None, newer)} == shown(pair)


def test_what_was_not_looked_at_again_is_delivered_again(pair: World) -> None:
    """Out of time after the write, the change comes back, and is found current then."""
    pair.clock.advance(100)
    late = apply([full(1, 1, "XY")], pair.mapping, pair.target, deadline=50)

    assert ["deferred"] == [ended.outcome.value for ended in late]
    assert "current" == run(pair, 1, "XY")
