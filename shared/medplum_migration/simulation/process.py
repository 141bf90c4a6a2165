"""Workers: what each does next, found by running the product's code on what it has been told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from medplum_migration.adapters.control_table import ControlTable
from medplum_migration.adapters.manifest_table import ManifestTable
from medplum_migration.adapters.quarantine_table import QuarantineTable
from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import TransientError
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.phases.backfill import Backfill
from medplum_migration.phases.dual_write import DualWrite, Message
from medplum_migration.phases.references import Crosswalk
from medplum_migration.phases.target import Target
from medplum_migration.simulation.tape import (
    Call,
    Pending,
    Silence,
    Tape,
    TapedClock,
    TapedFhirStore,
    TapedLegacyStore,
    TapedQueue,
    TapedTable,
)

SOURCE = "simulated"
Elements: TypeAlias = Mapping[str, ElementMapping[Any]]
Payload: TypeAlias = ChangeEvent | ChunkTask
Work: TypeAlias = Callable[["Ports", Payload], bool]
"""Handle one message with these ports; tell whether it may be acknowledged."""


class Ports:
    """The product's ports over one tape, and the phases over them."""

    def __init__(
        self,
        tape: Tape,
        elements: Elements,
        validate: Callable[[Resource], None],
        *,
        page_size: int,
    ) -> None:
        self.elements = elements
        self.fhir = TapedFhirStore(tape)
        self.legacy = TapedLegacyStore(tape)
        self.items = TapedTable(tape, "manifest")
        self.checkpoints = ControlTable(TapedTable(tape, "control"))
        self.target = self._target(tape, validate)
        self.dual_write = DualWrite(
            elements=elements, checkpoints=self.checkpoints, target=self.target
        )
        self.backfill = Backfill(
            elements=elements,
            checkpoints=self.checkpoints,
            tasks=TapedQueue(tape, "chunks"),
            target=self.target,
            page_size=page_size,
            quota_reserve=0,
            patience=1,
            new_token=lambda: f"{tape.name}@{tape.now}",
        )

    def _target(self, tape: Tape, validate: Callable[[Resource], None]) -> Target:
        return Target(
            fhir=self.fhir,
            legacy=self.legacy,
            manifest=ManifestTable(self.items),
            quarantine=QuarantineTable(self.items),
            clock=TapedClock(tape),
            telemetry=Silence(),
            validate=validate,
            source=SOURCE,
            hash_key=b"simulated",
            elements=self.elements,
            checkpoints=self.checkpoints,
            crosswalk=Crosswalk(self.elements, self.fhir, source=SOURCE),
            rounds=3,
        )


def dual_write(ports: Ports, payload: Payload) -> bool:
    """Run `DualWrite` on a batch of one message."""
    return not ports.dual_write([Message("it", payload.model_dump_json())])


def backfill(ports: Ports, payload: Payload) -> bool:
    """Run `Backfill` on one chunk task."""
    if not isinstance(payload, ChunkTask):
        raise TypeError(payload)
    try:
        ports.backfill(payload, deadline=float("inf"))
    except TransientError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker that has nothing more to do; its message is done, or comes again."""

    done: bool


@dataclass(slots=True)
class Processes:
    """Histories by number, and what a worker with each of them does next.

    `runs` counts how often the product's code was run to find out.
    """

    make: Callable[[Tape], Ports]
    runs: int = 0
    _next: list[Call | Ended] = field(default_factory=list)
    _after: dict[tuple[int, bytes], int] = field(default_factory=dict)
    _begun: dict[tuple[str, Payload, float], int] = field(default_factory=dict)
    _past: list[tuple[Work, Payload, float, str, tuple[bytes, ...]]] = field(default_factory=list)

    def begin(self, name: str, work: Work, payload: Payload, now: float) -> int:
        """Number the empty history of a worker that takes a message."""
        key = (f"{name} {work.__name__}", _frozen(payload), now)
        if key not in self._begun:
            self._begun[key] = self._add(work, payload, now, name, ())
        return self._begun[key]

    def extend(self, history: int, result: bytes) -> int:
        """Number the history that is one result longer."""
        key = (history, result)
        if key not in self._after:
            work, payload, now, name, past = self._past[history]
            self._after[key] = self._add(work, payload, now, name, (*past, result))
        return self._after[key]

    def next(self, history: int) -> Call | Ended:
        """Tell what a worker with this history does next."""
        return self._next[history]

    def _add(
        self, work: Work, payload: Payload, now: float, name: str, past: tuple[bytes, ...]
    ) -> int:
        self._past.append((work, payload, now, name, past))
        self.runs += 1
        try:
            step: Call | Ended = Ended(work(self.make(Tape(past, now, name)), payload))
        except Pending as stop:
            step = stop.call
        self._next.append(step)
        return len(self._next) - 1


def _frozen(payload: Payload) -> Any:  # noqa: ANN401 because it is only compared
    return payload.model_dump_json()
