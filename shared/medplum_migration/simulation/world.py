"""The world of one scenario: what can happen in each of its states."""

import pickle
from collections.abc import Iterator
from typing import Any

from medplum_migration.adapters.memory import MemoryTable
from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.adapters.memory_resources import MemoryResources
from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.simulation import invariants
from medplum_migration.simulation.beginning import BEGINNING, clinic_of, control_of
from medplum_migration.simulation.process import Ended, Payload, Ports, Processes
from medplum_migration.simulation.scenario import Scenario
from medplum_migration.simulation.scheduler import Scheduler
from medplum_migration.simulation.state import Action, Role, State, Worker, less, put, send
from medplum_migration.simulation.stores import FhirKind, LegacyKind, Numbers, Store, TableKind
from medplum_migration.simulation.tape import Away, Call, Tape

_LEASE_S = 120.0
_FAULTS = (Fault.CONFLICT, Fault.LOST, Fault.COMMITTED, Fault.THROTTLED)
_NOTHING, _AWAY = pickle.dumps(None), pickle.dumps(Away())


class World:
    """All stores and processes of a scenario, and the transitions between its states."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.elements: dict[str, ElementMapping[Any]] = {
            mapping.element: mapping for mapping in scenario.elements
        }
        self.clinic = clinic_of(scenario)
        self.processes = Processes(self._ports)
        self._medplum = Store[MemoryResources](FhirKind())
        self._legacy = Store[tuple[int, MemoryLegacyStore]](LegacyKind())
        self._manifest = Store[MemoryTable](TableKind())
        self._control = Store[MemoryTable](TableKind())
        self._payloads = Numbers[Payload]()
        self._calls = Numbers[Call]()
        for number, store in enumerate(self.clinic.stores):
            self._legacy.number((number, store))
        self._scheduler = Scheduler(
            elements=self.elements,
            control=self._control,
            manifest=self._manifest,
            legacy=self.clinic.stores,
            number=self._payload,
            now=_now,
        )
        self._wanted = invariants.Wanted(self.clinic.keys, scenario.chunks, scenario.fenced)
        self._stepwise: dict[tuple[int, int], str] = {}
        self._rest: dict[tuple[int, int, int], str] = {}

    def _ports(self, tape: Tape) -> Ports:
        return Ports(tape, self.elements, self.scenario.validate, page_size=1)

    def _payload(self, payload: Payload) -> int:
        return self._payloads.of(payload.model_dump_json(), payload)

    def start(self) -> State:
        """Give the state before anything has happened."""
        scenario = self.scenario
        return State(
            medplum=self._medplum.number(MemoryResources()),
            legacy=0,
            manifest=self._manifest.number(MemoryTable()),
            control=self._control.number(control_of(scenario)),
            messages=(),
            sent=0,
            dual_writers=(None,) * scenario.dual_writers,
            backfillers=(None,) * scenario.backfillers,
            left=scenario.budget,
            ticks=0,
        )

    def successors(self, state: State) -> Iterator[tuple[Action, State]]:
        """List everything that may happen next."""
        yield from self._environment(state)
        for role in Role:
            workers = state.workers(role)
            for place, worker in enumerate(workers):
                if worker is not None:
                    yield from self._work(state, role, place, worker)
                elif None not in workers[:place]:  # one idle worker is as good as another
                    yield from self._take(state, role, place)

    def _environment(self, state: State) -> Iterator[tuple[Action, State]]:
        if state.legacy < len(self.clinic.events):
            event = self.clinic.events[state.legacy]
            after = state._replace(legacy=state.legacy + 1)
            news = [] if event is None else [self._payload(event)]
            yield Action("clinic", "commits"), send(after, news)
        tick = self._tick(state)
        if tick is not None:
            yield Action("scheduler", "ticks"), tick
        left, later = state.left, state._replace(ticks=state.ticks + 1)
        if left.expiries and any(state.backfillers):
            yield Action("time", "leases expire"), later._replace(left=less(left, expiries=1))
        elif tick is None and state.is_idle and self._tick(later) is not None:
            yield Action("time", "passes"), later
        for payload in range(len(self._payloads)) if left.redeliveries else ():
            if state.sent >> payload & 1 and payload not in state.messages:
                after = send(state, [payload])._replace(left=less(left, redeliveries=1))
                yield Action("queue", f"redelivers {self._told(payload)}"), after

    def _tick(self, state: State) -> State | None:
        """Let the scheduler run; None when that changes nothing."""
        control, sent = self._scheduler.tick(state)
        busy = [w.payload for w in (*state.dual_writers, *state.backfillers) if w]
        news = [payload for payload in sent if payload not in (*state.messages, *busy)]
        if control == state.control and not news:
            return None
        return send(state._replace(control=control), news)

    def _take(self, state: State, role: Role, place: int) -> Iterator[tuple[Action, State]]:
        wanted = ChangeEvent if role is Role.DUAL_WRITER else ChunkTask
        work = self.scenario.work if wanted is ChangeEvent else self.scenario.chunk_work
        for payload in dict.fromkeys(state.messages):
            message = self._payloads.values[payload]
            if isinstance(message, wanted):
                history = self.processes.begin(f"{role} {place}", work, message, _now(state))
                history, control = self._quietly(history, state.control)
                rest = list(state.messages)
                rest.remove(payload)
                after = state._replace(messages=tuple(rest), control=control)
                worker = Worker(payload, history, state.medplum)
                action = Action(f"{role} {place}", f"takes {self._told(payload)}")
                yield action, put(after, role, place, worker)

    def _work(
        self, state: State, role: Role, place: int, worker: Worker
    ) -> Iterator[tuple[Action, State]]:
        who, left = f"{role} {place}", state.left
        step = self.processes.next(worker.history)
        if isinstance(step, Ended):
            after = state if step.done else send(state, [worker.payload])
            yield Action(who, "acks" if step.done else "defers"), put(after, role, place, None)
        else:
            for what, before, fault, seen in self._ways(state, worker, step):
                after, result = self._step(before, step, fault, seen)
                yield Action(who, what), self._tell(after, role, place, worker, result)
            if left.outages and step.method != "write":
                fewer = state._replace(left=less(left, outages=1))
                away = self._tell(fewer, role, place, worker, _AWAY)
                yield Action(who, f"{step} unanswered"), away
        if left.crashes:
            again = send(state, [worker.payload])._replace(left=less(left, crashes=1))
            yield Action(who, "crashes"), put(again, role, place, None)
        if left.duplicates and worker.payload not in state.messages:
            twice = send(state, [worker.payload])._replace(left=less(left, duplicates=1))
            yield Action("queue", f"delivers {self._told(worker.payload)} twice"), twice

    def _ways(
        self, state: State, worker: Worker, call: Call
    ) -> Iterator[tuple[str, State, Fault | None, int]]:
        """List how a call may go: what to say, the budget's state, the fault, the store as seen."""
        left, now = state.left, state.legacy if call.port == "legacy" else state.medplum
        yield str(call), state, None, now
        if left.stale and call.method == "find" and worker.medplum != state.medplum:
            fewer = state._replace(left=less(left, stale=1))
            yield f"{call} stale", fewer, None, worker.medplum
        if left.stale and call.port == "legacy" and call.method == "read" and now:
            yield f"{call} lags", state._replace(left=less(left, stale=1)), None, now - 1
        if left.faults and call.method == "write":
            fewer = state._replace(left=less(left, faults=1))
            for fault in _FAULTS:
                yield f"{call} {fault.value}", fewer, fault, state.medplum

    def _step(
        self, state: State, call: Call, fault: Fault | None, seen: int
    ) -> tuple[State, bytes]:
        """Execute a call on its store."""
        number = self._calls.of((call.port, call.method, repr(call.args)), call)
        match call.port:
            case "fhir":
                medplum, result = self._medplum.step(seen, number, call, fault)
                changed = call.method != "find"
                return (state._replace(medplum=medplum) if changed else state), result
            case "legacy":
                return state, self._legacy.step(seen, number, call, None)[1]
            case "manifest":
                manifest, result = self._manifest.step(state.manifest, number, call, None)
                return state._replace(manifest=manifest), result
            case "control":
                control, result = self._control.step(state.control, number, call, None)
                return state._replace(control=control), result
            case _:
                return send(state, map(self._payload, call.args[0])), _NOTHING

    def _tell(self, state: State, role: Role, place: int, worker: Worker, result: bytes) -> State:
        history = self.processes.extend(worker.history, result)
        history, control = self._quietly(history, state.control)
        moved = worker._replace(history=history)
        return put(state._replace(control=control), role, place, moved)

    def _quietly(self, history: int, control: int) -> tuple[int, int]:
        """Execute reads of an element's phase, which nothing changes: their order says nothing."""
        while True:
            step = self.processes.next(history)
            if isinstance(step, Ended) or (step.method, step.args[1:]) != ("get", ("state",)):
                return history, control
            number = self._calls.of((step.port, step.method, repr(step.args)), step)
            control, result = self._control.step(control, number, step, None)
            history = self.processes.extend(history, result)

    def _told(self, payload: int) -> str:
        message = self._payloads.values[payload]
        if isinstance(message, ChunkTask):
            return f"chunk {message.chunk} of {message.element}"
        return f"{message.operation.value} {message.element} {message.key} v{message.version}"

    def wrong(self, before: State, after: State) -> str:
        """Name the invariant that a transition breaks; empty when it breaks none."""
        pair = (before.medplum, after.medplum)
        if pair[0] != pair[1] and self.scenario.fenced:
            if pair not in self._stepwise:
                values = self._medplum.states.values
                self._stepwise[pair] = invariants.stepwise(values[pair[0]], values[pair[1]])
            if self._stepwise[pair]:
                return self._stepwise[pair]
        return self._wrong_at_rest(after) if self._rests(after) else ""

    def _rests(self, state: State) -> bool:
        """Tell whether nothing is under way and nothing more will come by itself."""
        later = state._replace(ticks=state.ticks + 1)
        done = state.is_idle and state.legacy == len(self.clinic.events)
        return done and self._tick(state) is None and self._tick(later) is None

    def _wrong_at_rest(self, state: State) -> str:
        key = (state.medplum, state.manifest, state.legacy)
        if key not in self._rest:
            self._rest[key] = invariants.at_rest(
                self.clinic.stores[state.legacy],
                self._medplum.states.values[state.medplum],
                self._manifest.states.values[state.manifest],
                self.elements,
                self._wanted,
            )
        return self._rest[key]


def _now(state: State) -> float:
    return BEGINNING + state.ticks * 2 * _LEASE_S
