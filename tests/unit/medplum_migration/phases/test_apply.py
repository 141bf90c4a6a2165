"""The write protocol: the highest version wins, whatever is lost, doubled, late or cut off."""

import itertools
import random
from collections.abc import Sequence
from typing import Any

import pytest

from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.checkpoint import Disposition
from medplum_migration.domain.errors import (
    ConfigurationError,
    ThrottledError,
    UnavailableError,
)
from medplum_migration.domain.identity import Identifier
from medplum_migration.phases.apply import apply
from medplum_migration.phases.outcome import Applied, Outcome
from tests.world import SYSTEM, World, full, thin


def applied(world: World, *changes: ChangeEvent) -> list[Applied]:
    """Apply changes to the world's one element."""
    return apply(changes, world.mapping, world.target)


def outcomes(ended: Sequence[Applied]) -> list[str]:
    """Name the outcomes."""
    return [one.outcome.value for one in ended]


def delete(key: int, version: int) -> ChangeEvent:
    """Make a delete event."""
    return ChangeEvent(element="people", key=str(key), version=version, operation=Operation.DELETE)


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
    applied(world, full(1, 2, "Two"))
    world.fhir.resources.find("Patient", [Identifier(SYSTEM, "1")])

    assert ["written"] == outcomes(applied(world, full(1, 3, "Three")))
    assert ("Three", 3) == (world.surname(1), world.version(1))


def test_endless_conflicts_go_back_to_the_queue(world: World) -> None:
    """After its rounds a contended record is deferred, with pauses that grow."""
    world.fhir.inject(*[Fault.CONFLICT] * world.target.rounds)

    (ended,) = applied(world, world.write(1, "Ada"))

    assert ("deferred", "Conflict") == (ended.outcome.value, ended.error and ended.error.code)
    assert sorted(world.clock.pauses) == world.clock.pauses
    assert world.target.rounds - 1 == len(world.clock.pauses)


def test_throttling_is_not_retried_at_once(world: World) -> None:
    """A 429 defers the record, with the seconds to wait."""
    world.fhir.inject(Fault.THROTTLED)

    (ended,) = applied(world, world.write(1, "Ada"))

    assert isinstance(ended.error, ThrottledError)
    assert (7.0, 1) == (ended.error.retry_after_s, world.fhir.writes)


def test_medplum_being_down_defers_the_page(world: World) -> None:
    """When the search fails in every round, every record is deferred and none is lost."""
    world.fhir.inject_find(*[UnavailableError("down")] * world.target.rounds)

    ended = applied(world, world.write(1, "Ada"), world.write(2, "Bob"))

    assert ["deferred", "deferred"] == outcomes(ended)
    assert world.manifest.get("people", "1") is None


@pytest.mark.parametrize(
    ("surname", "path", "reason"),
    [
        ("unmappable", "surname", "is of the unmappable kind"),
        ("bug", "", "mapping or validation raised KeyError"),
        ("invalid", "Patient.name[0].family", "is forbidden"),
    ],
)
def test_one_bad_record_stops_no_other(world: World, surname: str, path: str, reason: str) -> None:
    """A record that cannot be mapped, or crashes its mapping, is quarantined; the rest goes on."""
    ended = applied(world, world.write(1, surname), world.write(2, "Bob"))

    assert {"1": "quarantined", "2": "written"} == {
        one.change.key: one.outcome.value for one in ended
    }
    entry = world.quarantine.get("people", "1")
    assert entry is not None
    assert (path, reason, 1) == (entry.path, entry.reason, entry.version)
    known = world.manifest.get("people", "1")
    assert known is not None
    assert Disposition.QUARANTINED is known.disposition


def test_what_medplum_refuses_is_rejected(world: World) -> None:
    """A refusal for what a resource contains is final, and told with code and path only."""
    world.fhir.inject(Fault.REFUSED)

    (ended,) = applied(world, world.write(1, "Ada"))

    assert "rejected" == ended.outcome.value
    entry = world.quarantine.get("people", "1")
    assert entry is not None
    assert ("Refused", "Patient.contact") == (entry.code, entry.path)


def test_a_newer_success_closes_quarantine(world: World) -> None:
    """A mended row supersedes its quarantine entry."""
    applied(world, world.write(1, "unmappable"))
    applied(world, world.write(1, "Ada"))

    assert world.quarantine.get("people", "1") is None
    assert "Ada" == world.surname(1)


def test_a_late_failure_opens_nothing(world: World) -> None:
    """An older image that cannot be mapped is superseded, not quarantined."""
    applied(world, full(1, 2, "Ada"))

    assert ["superseded"] == outcomes(applied(world, full(1, 1, "unmappable")))
    assert world.quarantine.get("people", "1") is None


def test_a_failure_that_overlaps_a_newer_success_closes_itself(world: World) -> None:
    """A worker that searched before the success, and settles after it, leaves no stale entry."""
    world.fhir.hold(finds=1)
    stale = full(1, 1, "unmappable")
    # The held search is taken by the failing worker; the success settles first.
    fresh = world.fhir._stale.popleft()  # noqa: SLF001 because the test owns the interleaving
    applied(world, full(1, 2, "Ada"))
    world.fhir._stale.append(fresh)  # noqa: SLF001 because the test owns the interleaving

    assert ["quarantined"] == outcomes(applied(world, stale))
    assert world.quarantine.get("people", "1") is None
    known = world.manifest.get("people", "1")
    assert known is not None
    assert (2, Disposition.SUCCESSFUL) == (known.version, known.disposition)


def test_a_foreign_resource_is_not_overwritten(world: World) -> None:
    """A resource with the record's identifier but without its fence goes to a person."""
    world.fhir.seed({"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": "1"}]})

    (ended,) = applied(world, world.write(1, "Ada"))

    assert ("quarantined", "Identity") == (ended.outcome.value, ended.error and ended.error.code)
    assert 0 == world.fhir.writes


def test_a_doubled_resource_goes_to_a_person(world: World) -> None:
    """Two resources with one identifier are never guessed between."""
    body = {
        "resourceType": "Patient",
        "meta": {"source": "urn:legacy:clinic:people:1#v=1&m=3"},
        "identifier": [{"system": SYSTEM, "value": "1"}],
    }
    world.fhir.seed(body)
    world.fhir.seed(body)

    assert ["quarantined"] == outcomes(applied(world, world.write(1, "Ada")))


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


def test_no_evidence_no_acknowledgement(world: World) -> None:
    """When the manifest does not answer, the record is deferred, and ends on the next delivery."""
    event = world.write(1, "Ada")
    world.manifest_items.available = False
    assert ["deferred"] == outcomes(applied(world, event))

    world.manifest_items.available = True
    assert ["current"] == outcomes(applied(world, event))
    known = world.manifest.get("people", "1")
    assert known is not None
    assert Disposition.SUCCESSFUL is known.disposition


def test_an_image_of_another_record_is_refused(world: World) -> None:
    """An event whose image has another key would make a resource nobody finds again."""
    image = ChangeEvent(
        element="people",
        key="1",
        version=1,
        operation=Operation.UPSERT,
        image={"number": 2, "surname": "Ada"},
    )

    (ended,) = applied(world, image)

    assert ("quarantined", 0) == (ended.outcome.value, world.fhir.writes)


def test_one_search_and_one_write_call_serve_a_page(world: World) -> None:
    """A page of new records costs one search and no more requests than creates."""
    events = [world.write(number, "Ada") for number in range(50)]
    applied(world, *events)

    assert (1, 50) == (world.fhir.searches, world.fhir.writes)


def test_telemetry_tells_no_key_and_no_value(world: World) -> None:
    """Problems name a record by keyed hash, and quote nothing."""
    applied(world, world.write(4711, "unmappable"), thin(4712, 9))

    told = str(world.telemetry.problems) + str(world.telemetry.counts)
    assert "unmappable'" not in told
    assert "4711" not in told
    assert 2 == len(world.telemetry.problems)


def test_a_second_look_keeps_the_evidence(world: World) -> None:
    """A duplicate finds the version there; what the write left in the manifest stays."""
    event = world.write(1, "Ada")
    applied(world, event)
    gone = world.delete(1)
    applied(world, gone)
    before = world.manifest.get("people", "1")
    applied(world, gone, event)

    assert before is not None
    assert (True, True) == (before.deleted, bool(before.content_hash))
    assert before == world.manifest.get("people", "1")


def test_a_worker_that_died_before_closing_closes_on_redelivery(world: World) -> None:
    """The success is in the manifest, the failure still in quarantine: the next delivery closes."""
    applied(world, world.write(1, "unmappable"))
    failure = world.quarantine.get("people", "1")
    event = world.write(1, "Ada")
    applied(world, event)
    assert failure is not None
    world.quarantine.put(failure)

    applied(world, event)
    assert world.quarantine.get("people", "1") is None


def test_a_superseded_delivery_closes_what_is_older(world: World) -> None:
    """A failure that was stored after the success, by a worker that then died, is found."""
    first = world.write(1, "unmappable")
    applied(world, first)
    failure = world.quarantine.get("people", "1")
    applied(world, world.write(1, "Ada"))
    assert failure is not None
    world.quarantine.put(failure)

    applied(world, full(1, 1, "unmappable"))
    assert world.quarantine.get("people", "1") is None


def test_a_failure_never_replaces_a_success_of_the_same_version(world: World) -> None:
    """What is in Medplum is successful, whoever failed to put it there a second time."""
    applied(world, full(1, 2, "Ada"))
    world.fhir.hold()
    world.fhir.remove("Patient", world.held(1)["id"])
    world.fhir.inject(Fault.REFUSED)
    world.fhir._stale.clear()  # noqa: SLF001 because the resource is really gone
    assert ["rejected"] == outcomes(applied(world, full(1, 2, "Ada")))

    known = world.manifest.get("people", "1")
    assert known is not None
    assert Disposition.SUCCESSFUL is known.disposition


def test_a_fence_that_cannot_be_read_is_foreign(world: World) -> None:
    """A broken source of one resource quarantines one record, and no other."""
    world.fhir.seed(
        {
            "resourceType": "Patient",
            "meta": {"source": "urn:legacy:clinic:people:~ff#v=1&m=1"},
            "identifier": [{"system": SYSTEM, "value": "1"}],
        }
    )

    ended = applied(world, world.write(1, "Ada"), world.write(2, "Bob"))
    assert ["quarantined", "written"] == outcomes(ended)


def test_a_missing_column_defers_thin_events_only(world: World) -> None:
    """A setting that somebody must mend costs no record; images need no legacy read."""

    def drifted(*_: object) -> Any:
        reason = "the legacy table lacks a column"
        raise ConfigurationError(reason, column="surname")

    event = world.write(1, "Ada")
    world.legacy.read = drifted  # type: ignore[method-assign, assignment] # because the schema has changed

    ended = applied(world, event, full(2, 1, "Bob"))
    assert {"1": "deferred", "2": "written"} == {a.change.key: a.outcome.value for a in ended}


def test_no_round_begins_that_would_not_end_in_time(world: World) -> None:
    """Near the deadline a contended record goes back to the queue at once."""
    world.fhir.inject(*[Fault.CONFLICT] * 9)

    ended = apply([full(1, 1, "A")], world.mapping, world.target, deadline=world.clock.now() - 1)
    assert (["deferred"], 1) == (outcomes(ended), world.fhir.writes)
