"""Parents pulled for children: depth, rounds, siblings, circles, and whom trouble concerns."""

from typing import Any

import pytest

from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.domain.checkpoint import Disposition
from medplum_migration.domain.phase import Phase
from medplum_migration.phases.apply import apply
from medplum_migration.phases.outcome import Applied
from tests.unit.medplum_migration.phases.test_references import VisitMapping, run, visit
from tests.world import SYSTEM, World


@pytest.fixture
def visits(world: World) -> World:
    """The world with visits, people and visits in backfill."""
    world.elements["visits"] = VisitMapping()
    world.rewire()
    for element in ("people", "visits"):
        world.set_phase(Phase.BACKFILL, element)
    return world


def told(ended: dict[str, Applied]) -> dict[str, str]:
    """Tell the outcomes by key."""
    return {key: applied.outcome.value for key, applied in ended.items()}


def test_a_hierarchy_in_one_page(visits: World) -> None:
    """Records that refer to each other upwards are all written, though they come together."""
    page = [visit(visits, number, previous=number - 1 or None) for number in range(1, 5)]

    ended = run(visits, page[::-1])
    assert [Disposition.SUCCESSFUL] * 4 == [a.outcome.disposition for a in ended.values()]
    assert [] == list(visits.quarantine.entries("visits"))


def test_a_circle_holds_back_only_its_own(visits: World) -> None:
    """A parent beside a circle is pulled, and its child is written."""
    page = [
        visit(visits, 1, previous=2),
        visit(visits, 2, previous=1),
        visit(visits, 4, previous=3),
    ]
    visit(visits, 3, previous=5)
    visit(visits, 5)

    expected = {"1": "quarantined", "2": "quarantined", "4": "written"}
    assert expected == told(run(visits, page))


def test_a_long_chain_ends(visits: World) -> None:
    """A chain longer than the stack parks its child; no error leaves `apply`."""
    visit(visits, 1)
    for number in range(2, 300):
        event = visit(visits, number, previous=number - 1)

    assert {"299": "quarantined"} == told(run(visits, [event]))


def test_trouble_in_the_legacy_store_is_the_childs_only(visits: World) -> None:
    """A parent that cannot be read delays its child, and no other record of the page (I14)."""
    other = visit(visits, 2).model_copy(update={"image": {"visit": 2, "person": None}})
    child = visit(visits, 1).model_copy(update={"image": {"visit": 1, "person": 7}})
    visits.legacy.available = False

    assert {"1": "deferred", "2": "written"} == told(run(visits, [child, other]))


def test_trouble_in_the_control_table_is_the_childs_only(visits: World) -> None:
    """Without the parent's phase its child waits; no other record does."""
    visits.write(7, "Ash")
    page = [visit(visits, 1, person=7), visit(visits, 2)]
    visits.control_items.available = False

    assert {"1": "deferred", "2": "written"} == told(run(visits, page))


def test_a_failing_parent_is_not_tried_for_ever(visits: World) -> None:
    """Each level of parents does not multiply the rounds of the one below."""
    for number in range(1, 6):
        event = visit(visits, number, previous=number - 1 or None)
    visits.fhir.inject(*[Fault.LOST] * 100_000)

    assert {"5": "deferred"} == told(run(visits, [event]))
    assert 200 > visits.fhir.writes


def test_pulling_minds_the_deadline(visits: World) -> None:
    """Parents get no round that their child would not get."""
    visits.write(7, "Ash")
    event = visit(visits, 1, person=7)
    visits.fhir.inject(*[Fault.LOST] * 100)
    apply([event], visits.elements["visits"], visits.target, deadline=visits.clock.now() - 1)

    assert 1 == visits.fhir.writes
    assert [] == visits.clock.pauses


def test_an_identifier_of_no_record(visits: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping that misspells an identifier of another element holds back its own record."""

    def enrich(_: VisitMapping, row: Any, resource: Any) -> Any:
        if row.visit == 1:
            carried = {"system": SYSTEM, "value": "é"}
            resource["subject"] = {"reference": "Patient?identifier=x", "identifier": carried}
        return resource

    monkeypatch.setattr(VisitMapping, "enrich", enrich)
    page = [visit(visits, 1), visit(visits, 2)]

    assert {"1": "quarantined", "2": "written"} == told(run(visits, page))
