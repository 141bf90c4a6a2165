"""Exploring: every state of a scenario breadth first, or seeded walks where there are too many."""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from medplum_migration.simulation.scenario import Scenario
from medplum_migration.simulation.state import Action, State
from medplum_migration.simulation.world import World


@dataclass(slots=True)
class Report:
    """What came of a scenario: distinct states, and the first violation with its shortest trace.

    `complete` says that every state was reached, `runs` how often the product's code was run.
    """

    scenario: str
    states: int = 0
    transitions: int = 0
    runs: int = 0
    complete: bool = True
    violation: str = ""
    trace: list[Action] = field(default_factory=list)


def explore(scenario: Scenario) -> Report:
    """Visit every state breadth first, up to `most`; the first violation is the nearest."""
    world = World(scenario)
    start, report = world.start(), Report(scenario.name)
    came: dict[State, tuple[State, Action] | None] = {start: None}
    waiting = deque([start])
    while waiting and not report.violation:
        state = waiting.popleft()
        for action, after in world.successors(state):
            report.transitions += 1
            if after in came:
                continue
            came[after] = (state, action)
            report.violation = world.wrong(state, after)
            if report.violation:
                report.trace = _trace(came, after)
                break
            if len(came) >= scenario.most:
                report.complete = False
                waiting.clear()
                break
            waiting.append(after)
    report.states, report.runs = len(came), world.processes.runs
    return report


def walk(scenario: Scenario, *, seed: int, states: int) -> Report:
    """Walk at random until so many distinct states were met, starting over at each end."""
    world, dice = World(scenario), random.Random(seed)  # noqa: S311 because walks are to be repeated
    report = Report(scenario.name, complete=False)
    met: set[int] = set()
    while len(met) < states and not report.violation:
        state, trace = world.start(), list[Action]()
        while True:
            choices = list(world.successors(state))
            if not choices:
                break
            action, after = dice.choice(choices)
            trace.append(action)
            report.transitions += 1
            met.add(hash(after))
            report.violation = world.wrong(state, after)
            state = after
            if report.violation:
                report.trace = trace
                break
    report.states, report.runs = len(met), world.processes.runs
    return report


def replay(scenario: Scenario, trace: Sequence[Action]) -> Report:
    """Walk a trace again, step by step.

    Raises:
        ValueError: a step of the trace cannot happen.

    """
    world = World(scenario)
    state, report = world.start(), Report(scenario.name, complete=False)
    for number, wanted in enumerate(trace, 1):
        after = next((s for action, s in world.successors(state) if action == wanted), None)
        if after is None:
            message = f"step {number} cannot happen: {wanted.who} {wanted.what}"
            raise ValueError(message)
        report.violation = world.wrong(state, after)
        report.trace.append(wanted)
        state = after
    report.states, report.runs = len(trace) + 1, world.processes.runs
    return report


def _trace(came: dict[State, tuple[State, Action] | None], last: State) -> list[Action]:
    trace: list[Action] = []
    step = came[last]
    while step is not None:
        trace.append(step[1])
        step = came[step[0]]
    return trace[::-1]
