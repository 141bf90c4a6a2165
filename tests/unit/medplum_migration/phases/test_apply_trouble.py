"""The write protocol in trouble: contention, outages, poison records, strangers."""

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
from medplum_migration.phases.apply import apply
from tests.applying import applied, outcomes
from tests.world import SYSTEM, World, full


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
