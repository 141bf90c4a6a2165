"""The write path under every interleaving of small worlds: no invariant breaks, broken ones do."""

from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from data_elements.patients import patients
from data_elements.practitioners import practitioners
from data_elements.vitals import vitals
from medplum_migration.mapping.strategies import blank
from medplum_migration.simulation.explore import Report, explore, replay, walk
from medplum_migration.simulation.scenario import Budget, Scenario
from medplum_migration.simulation.standard import standard
from medplum_migration.simulation.state import Action
from medplum_migration.simulation.world import World
from tests.simulation.negatives import NEGATIVES
from tests.simulation.people import PEOPLE, VISITS, person, visit
from tests.simulation.scenarios import SMALL

_WANTED = 1_000_000
_STEPS = {
    "blind upsert": 8,
    "table first, target after": 15,
    "target first, table after": 12,
    "fence, but hard delete": 9,
    "tombstones outside the target": 12,
    "thin events, no version written": 17,
}


@cache
def _exploring() -> dict[str, Future[Report]]:
    """Begin to explore every world, on all cores."""
    pool = ProcessPoolExecutor(mp_context=get_context("spawn"))
    return {each.name: pool.submit(explore, each) for each in (*NEGATIVES, *SMALL)}


def explored(scenario: Scenario) -> Report:
    """Explore a scenario once for all tests."""
    return _exploring()[scenario.name].result()


@pytest.mark.parametrize("scenario", SMALL, ids=lambda scenario: scenario.name)
def test_no_invariant_breaks(scenario: Scenario) -> None:
    """Whatever happens in whatever order, every invariant holds after every step and at rest."""
    report = explored(scenario)
    assert ("", []) == (report.violation, report.trace)


def test_enough_is_explored() -> None:
    """Together the small worlds have a million distinct states, whole but for the bounded ones."""
    reports = [explored(scenario) for scenario in SMALL]
    assert _WANTED <= sum(report.states for report in reports)


@pytest.mark.parametrize("scenario", NEGATIVES, ids=lambda scenario: scenario.name)
def test_a_broken_protocol_is_caught(scenario: Scenario) -> None:
    """Each is caught by a shortest trace, which breaks the same invariant when it is replayed."""
    report = explored(scenario)
    assert report.violation
    assert _STEPS[scenario.name] == len(report.trace)
    assert report.violation == replay(scenario, report.trace).violation


def test_a_trace_that_cannot_happen() -> None:
    """A replay says at which step it left the trace."""
    with pytest.raises(ValueError, match="step 1 cannot happen: nobody sneezes"):
        replay(SMALL[0], [Action("nobody", "sneezes")])


@pytest.mark.parametrize("seed", range(3))
def test_random_walks_in_a_larger_world(seed: int) -> None:
    """Where there are too many states for all, seeded walks find no violation either."""
    world = Scenario(
        name="larger",
        elements=(PEOPLE, VISITS),
        before=(person("old", ""),),
        commits=(visit("x"), person("A"), visit("y", "full"), person(None), person("B", "full")),
        chunks=True,
        dual_writers=3,
        backfillers=2,
        budget=Budget(crashes=3, duplicates=2, redeliveries=3, stale=2, faults=3, expiries=2),
    )
    assert "" == walk(world, seed=seed, states=4_000).violation


def test_elements_of_a_fork() -> None:
    """A fork's own elements run through the same worlds, with their parents."""
    user = blank(practitioners) | {"id": 5, "lname": "Weaver"}
    patient = blank(patients) | {"pid": 1, "lname": "Oak", "providerID": 5}
    moved = patient | {"lname": "Ash"}
    for scenario in standard(patients, (patient, moved), parents={practitioners: user}, most=3_000):
        assert "" == explore(scenario).violation


def test_parts_of_a_fork() -> None:
    """A record that gives several resources, of which some come and go."""
    measured = {"id": 1, "pid": None, "date": "2024-01-02 03:04:05"}
    first = blank(vitals) | measured | {"weight": "180.5", "pulse": "60"}
    second = blank(vitals) | measured | {"pulse": "61", "temperature": "98.6"}
    for scenario in standard(vitals, (first, second), most=3_000):
        assert "" == explore(scenario).violation


class AnyOrder(RuleBasedStateMachine):
    """One world, driven by Hypothesis, which shrinks what breaks."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(SMALL[1])
        self.state = self.world.start()
        self.wrong = ""

    @rule(number=st.integers(0, 30))
    def step(self, number: int) -> None:
        """Let one of the things happen that can, if any can."""
        choices = list(self.world.successors(self.state))
        if choices:
            action, after = choices[number % len(choices)]
            note(f"{action.who}: {action.what}")
            self.wrong = self.world.wrong(self.state, after)
            self.state = after

    @invariant()
    def nothing_is_wrong(self) -> None:
        """Every invariant holds."""
        assert "" == self.wrong


AnyOrder.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyOrder = AnyOrder.TestCase
