"""References to other elements: resolved, pulled, parked, and never dropped."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.errors import ThrottledError
from medplum_migration.domain.identity import Identifier
from medplum_migration.domain.phase import Phase
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import ITSELF, Reference
from medplum_migration.phases import references
from medplum_migration.phases.apply import apply
from medplum_migration.phases.outcome import Applied
from medplum_migration.phases.target import Claims
from medplum_migration.runtime import registry
from tests.world import SYSTEM, PersonMapping, World

VISITS = "https://example.org/id/visits"


class VisitRow(BaseModel):
    """A visit of one person, in the company of others."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    visit: int
    person: int | None
    friend: int | None = None
    previous: int | None = None


class VisitMapping(Mapping[VisitRow]):
    """The made-up element `visits`, which refers to people and to earlier visits."""

    element, resource, row = "visits", "Encounter", VisitRow
    table, key, system = "visits", "visit", VISITS
    profile = "https://example.org/profile"
    fields = (
        Reference("person", "subject", to=PersonMapping()),
        Reference("friend", "serviceProvider", to=PersonMapping(), orphans=True),
        Reference("previous", "partOf", to=ITSELF),
    )


@pytest.fixture
def visits(world: World) -> World:
    """The world with visits, people and visits in backfill."""
    world.elements["visits"] = VisitMapping()
    world.rewire()
    for element in ("people", "visits"):
        world.set_phase(Phase.BACKFILL, element)
    return world


def visit(world: World, number: int, **row: int | None) -> ChangeEvent:
    """Commit a visit; return its thin event."""
    held = {"visit": number, "person": None, "friend": None, "previous": None, **row}
    version = world.legacy.set("visits", str(number), held)
    return ChangeEvent(
        element="visits", key=str(number), version=version, operation=Operation.UPSERT
    )


def run(world: World, changes: Sequence[ChangeEvent]) -> dict[str, Applied]:
    """Apply visits; tell how each ended."""
    ended = apply(changes, world.elements["visits"], world.target)
    return {applied.change.key: applied for applied in ended}


def held(world: World, number: int) -> dict[str, Any]:
    """Read a visit from Medplum."""
    (found,) = world.fhir.resources.find("Encounter", [Identifier(VISITS, str(number))])
    return found


def test_a_known_parent_is_resolved(visits: World) -> None:
    """The literal reference and the parent's identifier are written."""
    apply([visits.write(7, "Ash")], visits.mapping, visits.target)
    ended = run(visits, [visit(visits, 1, person=7)])

    expected = {
        "reference": f"Patient/{visits.held(7)['id']}",
        "identifier": {"system": SYSTEM, "value": "7"},
    }
    assert "written" == ended["1"].outcome
    assert expected == held(visits, 1)["subject"]


def test_an_unknown_parent_is_pulled(visits: World) -> None:
    """Parents of a page come first, in one search and one write, with evidence of their own."""
    for number in (7, 8):
        visits.write(number, "Ash")
    ended = run(visits, [visit(visits, 1, person=7), visit(visits, 2, person=8)])

    assert {"1": "written", "2": "written"} == {k: a.outcome for k, a in ended.items()}
    assert ["Ash", "Ash"] == [visits.surname(7), visits.surname(8)]
    assert visits.manifest.get("people", "8") is not None


def test_a_remembered_parent_costs_no_search(visits: World) -> None:
    """The second visit of a person searches for the visit only."""
    visits.write(7, "Ash")
    run(visits, [visit(visits, 1, person=7)])
    before = visits.fhir.searches
    run(visits, [visit(visits, 2, person=7)])

    assert 1 == visits.fhir.searches - before


def test_parents_of_parents_are_pulled(visits: World) -> None:
    """A chain of earlier visits is written from its end."""
    visits.write(7, "Ash")
    visit(visits, 1, person=7)
    visit(visits, 2, previous=1)
    ended = run(visits, [visit(visits, 3, previous=2)])

    assert "written" == ended["3"].outcome
    assert held(visits, 1)["id"] in held(visits, 2)["partOf"]["reference"]
    assert held(visits, 2)["id"] in held(visits, 3)["partOf"]["reference"]


def test_a_circle_ends(visits: World) -> None:
    """Records that refer to each other are held back, not pulled for ever."""
    first = visit(visits, 1, previous=2)
    second = visit(visits, 2, previous=1)
    ended = run(visits, [first, second])

    assert {"quarantined"} == {applied.outcome for applied in ended.values()}


def test_an_orphan_is_held_back(visits: World) -> None:
    """A reference to a record that does not exist names path and element, not the key."""
    ended = run(visits, [visit(visits, 1, person=99)])

    error = ended["1"].error
    assert error is not None
    assert ("Orphan", "subject") == (error.code, error.fields["path"])
    assert "99" not in str(error)
    entry = visits.quarantine.get("visits", "1")
    assert entry is not None
    assert ("people", "99") == (entry.waits_for, entry.waits_for_key)


def test_an_orphan_may_stay_a_reference_by_identifier(visits: World) -> None:
    """Where the mapping allows it, the reference is kept without a resource to lead to."""
    ended = run(visits, [visit(visits, 1, friend=99)])

    assert "written" == ended["1"].outcome
    kept = {"type": "Patient", "identifier": {"system": SYSTEM, "value": "99"}}
    assert kept == held(visits, 1)["serviceProvider"]


@pytest.mark.parametrize("column", ["person", "friend"])
def test_a_parent_that_cannot_come_holds_the_child_back(visits: World, column: str) -> None:
    """A parent in quarantine parks the child, even where an orphan would be let through."""
    visits.write(7, "unmappable")
    ended = run(visits, [visit(visits, 1, **{column: 7})])

    error = ended["1"].error
    assert error is not None
    assert "MissingParent" == error.code


def test_a_parent_whose_element_is_off(visits: World) -> None:
    """Nothing of an element that is off is written for another's sake."""
    visits.set_phase(Phase.OFF)
    visits.write(7, "Ash")
    ended = run(visits, [visit(visits, 1, person=7)])

    assert "quarantined" == ended["1"].outcome
    assert not visits.fhir.resources.find("Patient", [Identifier(SYSTEM, "7")])


def test_a_stranger_with_the_parents_identifier(visits: World) -> None:
    """A resource that does not carry the parent's fence is not referred to."""
    carried = [{"system": SYSTEM, "value": "7"}]
    visits.fhir.seed({"resourceType": "Patient", "identifier": carried})
    visits.write(7, "Ash")

    assert "quarantined" == run(visits, [visit(visits, 1, person=7)])["1"].outcome


def test_a_deleted_parent_is_referred_to(visits: World) -> None:
    """A tombstone is a resource: references to it resolve."""
    visits.write(7, "Ash")
    visits.delete(7)
    run(visits, [visit(visits, 1, person=7)])

    assert held(visits, 1)["subject"]["reference"] == f"Patient/{visits.held(7)['id']}"


def test_trouble_with_the_parent_defers_the_child(visits: World) -> None:
    """Throttling and conflicts of a parent's write are nobody's fault: the child comes again."""
    visits.write(7, "Ash")
    event = visit(visits, 1, person=7)
    visits.fhir.inject(*[Fault.THROTTLED] * 9)

    assert "deferred" == run(visits, [event])["1"].outcome


def test_trouble_while_searching_parents_defers_the_page(visits: World) -> None:
    """A search that is throttled defers what is open."""
    apply([visits.write(7, "Ash")], visits.mapping, visits.target)
    event = visit(visits, 1, person=7)
    visits.fhir.inject_find()
    find, calls = visits.fhir.find, []

    def throttled(resource_type: str, identifiers: Sequence[Identifier]) -> Any:
        calls.append(resource_type)
        if resource_type == "Patient":
            reason = "used up"
            raise ThrottledError(reason, retry_after_s=1)
        return find(resource_type, identifiers)

    visits.fhir.find = throttled  # type: ignore[method-assign]

    assert "deferred" == run(visits, [event])["1"].outcome
    assert "Patient" in calls


def test_one_orphan_delays_no_other(visits: World) -> None:
    """The rest of the page is written."""
    visits.write(7, "Ash")
    ended = run(visits, [visit(visits, 1, person=99), visit(visits, 2, person=7)])

    assert {"1": "quarantined", "2": "written"} == {k: a.outcome for k, a in ended.items()}


def test_claims_in_meta(visits: World) -> None:
    """Accounts and profile are added to what others said, once."""
    claims = Claims(("Organization/1",), profiles=True)
    target = replace(visits.target, claims=claims)
    for _ in range(2):
        apply([visit(visits, 1)], visits.elements["visits"], target)

    meta = held(visits, 1)["meta"]
    assert [{"reference": "Organization/1"}] == meta["accounts"]
    assert ["https://example.org/profile"] == meta["profile"]


def test_another_base_for_identifiers(visits: World) -> None:
    """References follow the elements when a setting replaces the base of their systems."""
    rebased = registry.rebase(visits.elements, "https://tenant.example")
    visits.elements.update(rebased)
    visits.rewire()
    visits.legacy.set("people", "7", {"number": 7, "surname": "Ash"})
    ended = run(visits, [visit(visits, 1, person=7)])

    assert "written" == ended["1"].outcome
    (made,) = visits.fhir.resources.find(
        "Encounter", [Identifier("https://tenant.example/visits", "1")]
    )
    expected = {"system": "https://tenant.example/people", "value": "7"}
    assert expected == made["subject"]["identifier"]


def test_what_leads_elsewhere_is_left_alone(visits: World) -> None:
    """Only references to records of known elements are links."""
    resource = {
        "resourceType": "Encounter",
        "subject": {"reference": "Patient/1", "identifier": {"system": SYSTEM, "value": "1"}},
        "partOf": {"identifier": {"system": SYSTEM, "value": "1"}},
        "serviceProvider": {"reference": "Organization?identifier=x", "display": "x"},
        "participant": [
            {"individual": {"type": "Patient", "identifier": {"system": "urn:x", "value": "1"}}}
        ],
    }
    assert [] == list(visits.target.crosswalk.links(resource))


def test_old_ids_are_forgotten(visits: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of ids is bounded; what was forgotten is searched again."""
    monkeypatch.setattr(references, "_REMEMBERED", 1)
    for number in (7, 8):
        visits.write(number, "Ash")
    run(visits, [visit(visits, 1, person=7)])
    run(visits, [visit(visits, 2, person=8)])
    before = visits.fhir.searches
    run(visits, [visit(visits, 3, person=7)])

    assert 2 == visits.fhir.searches - before


class TestParked:
    """Children that wait are tried again once their parent is there."""

    def test_retried_when_the_parent_arrives(self, visits: World) -> None:
        """The next tick after the parent's arrival enqueues the child, which closes itself."""
        run(visits, [visit(visits, 1, person=7)])
        visits.schedule_work()
        assert [] == visits.events.take()

        apply([visits.write(7, "Ash")], visits.mapping, visits.target)
        visits.schedule_work()
        (event,) = visits.events.take()
        assert ("visits", "1") == (event.element, event.key)

        run(visits, [event])
        assert visits.quarantine.get("visits", "1") is None

    def test_not_while_the_element_is_off(self, visits: World) -> None:
        """An element that is off tries nothing."""
        run(visits, [visit(visits, 1, person=7)])
        apply([visits.write(7, "Ash")], visits.mapping, visits.target)
        visits.set_phase(Phase.OFF, "visits")
        visits.schedule_work()

        assert [] == visits.events.take()

    def test_a_parent_just_before_the_child_was_parked(self, visits: World) -> None:
        """A parent that came between the child's look and its parking is seen, a few times."""
        event = visit(visits, 1, person=7)
        run(visits, [event])
        apply([visits.write(7, "Ash")], visits.mapping, visits.target)
        entry = visits.quarantine.get("visits", "1")
        assert entry is not None
        visits.clock.advance(60)
        for attempt in range(5):
            later = entry.model_copy(update={"quarantined_at": visits.clock.now()})
            if attempt:
                visits.quarantine.put(later)
            visits.schedule_work()
        assert 3 == len(visits.events.take())

    def test_other_quarantined_records_stay(self, visits: World) -> None:
        """What waits for a person is not retried."""
        run(visits, [visit(visits, 1, person=7)])
        apply([visits.write(8, "unmappable")], visits.mapping, visits.target)
        visits.schedule_work()

        assert [] == visits.events.take()
