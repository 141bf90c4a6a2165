"""The scheduler of a simulated world: the real one, run at once, each situation computed once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from medplum_migration.adapters.control_table import ControlTable
from medplum_migration.adapters.manifest_table import ManifestTable
from medplum_migration.adapters.memory import MemoryClock, MemoryQueue, MemoryTable
from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.adapters.quarantine_table import QuarantineTable
from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.phases.parked import Parked
from medplum_migration.phases.schedule_work import ScheduleWork
from medplum_migration.simulation.process import Payload
from medplum_migration.simulation.state import State
from medplum_migration.simulation.stores import Store
from medplum_migration.simulation.tape import Silence

Elements: TypeAlias = Mapping[str, ElementMapping[Any]]


@dataclass(slots=True)
class Scheduler:
    """Ticks over the numbered tables; `number` numbers a message, `now` tells a state's time."""

    elements: Elements
    control: Store[MemoryTable]
    manifest: Store[MemoryTable]
    legacy: list[MemoryLegacyStore]
    number: Callable[[Payload], int]
    now: Callable[[State], float]
    _ticks: dict[tuple[int, int, int, int], tuple[int, tuple[int, ...]]] = field(
        default_factory=dict
    )
    _held_back: dict[int, bool] = field(default_factory=dict)

    def tick(self, state: State) -> tuple[int, tuple[int, ...]]:
        """Tell the control table after a tick, and the messages that it sends."""
        looks_at = state.manifest if self._holds_back(state.manifest) else -1
        key = (state.control, state.legacy, looks_at, state.ticks)
        if key not in self._ticks:
            self._ticks[key] = self._run(state)
        return self._ticks[key]

    def _run(self, state: State) -> tuple[int, tuple[int, ...]]:
        control = _copy(self.control.states.values[state.control])
        manifest = self.manifest.states.values[state.manifest]
        tasks, events = MemoryQueue[ChunkTask](), MemoryQueue[ChangeEvent]()
        checkpoints = ControlTable(control)
        parked = Parked(
            quarantine=QuarantineTable(manifest),
            manifest=ManifestTable(manifest),
            checkpoints=checkpoints,
            events=events,
        )
        ScheduleWork(
            elements=self.elements,
            checkpoints=checkpoints,
            legacy=self.legacy[state.legacy],
            tasks=tasks,
            clock=MemoryClock(self.now(state)),
            telemetry=Silence(),
            parked=parked,
        )()
        sent: list[Payload] = [*tasks.take(), *events.take()]
        return self.control.number(control), tuple(map(self.number, sent))

    def _holds_back(self, manifest: int) -> bool:
        """Tell whether anything is in quarantine, which a tick looks at."""
        if manifest not in self._held_back:
            table = QuarantineTable(self.manifest.states.values[manifest])
            held = (next(table.entries(element), None) for element in self.elements)
            self._held_back[manifest] = any(entry is not None for entry in held)
        return self._held_back[manifest]


def _copy(table: MemoryTable) -> MemoryTable:
    twin = MemoryTable()
    vars(twin)["_items"] = dict(vars(table)["_items"])
    return twin
