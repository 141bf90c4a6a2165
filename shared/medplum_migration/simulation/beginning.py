"""How a scenario begins: the legacy store after each commit, its events, phases, a backfill."""

import copy
from dataclasses import dataclass, field

from medplum_migration.adapters.control_table import ControlTable
from medplum_migration.adapters.memory import MemoryClock, MemoryTable
from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.phase import Phase
from medplum_migration.phases.steer_backfill import SteerBackfill
from medplum_migration.simulation.scenario import Commit, Scenario

BEGINNING = 1_750_000_000.0


@dataclass(slots=True)
class Clinic:
    """The legacy store after 0, 1, 2, … commits, the event of each, and all keys ever used."""

    stores: list[MemoryLegacyStore] = field(default_factory=list)
    events: list[ChangeEvent | None] = field(default_factory=list)
    keys: dict[str, set[str]] = field(default_factory=dict)


def clinic_of(scenario: Scenario) -> Clinic:
    """Commit everything once; what was there before capture has version 0."""
    clinic, legacy = Clinic(), MemoryLegacyStore()
    for commit in scenario.before:
        _commit(clinic, legacy, commit, version=0)
    clinic.stores.append(_copy(legacy))
    for commit in scenario.commits:
        version = _commit(clinic, legacy, commit, version=None)
        clinic.events.append(_event(commit, version))
        clinic.stores.append(_copy(legacy))
    return clinic


def control_of(scenario: Scenario) -> MemoryTable:
    """Move every element to its phase, and start its backfill if there is one."""
    table = MemoryTable()
    checkpoints, clock = ControlTable(table), MemoryClock(BEGINNING)
    phase = Phase.BACKFILL if scenario.chunks else Phase.DUAL_WRITE
    for mapping in scenario.elements:
        state = checkpoints.element(mapping.element)
        checkpoints.save_element(state.model_copy(update={"phase": phase}))
        if scenario.chunks:
            steer = SteerBackfill(checkpoints=checkpoints, clock=clock)
            steer.start(mapping.element, chunk_size=1)
    return table


def _commit(clinic: Clinic, legacy: MemoryLegacyStore, commit: Commit, version: int | None) -> int:
    clinic.keys.setdefault(commit.element, set()).add(commit.key)
    row = None if commit.row is None else dict(commit.row)
    return legacy.set(commit.element, commit.key, row, version=version)


def _event(commit: Commit, version: int) -> ChangeEvent | None:
    if not commit.event:
        return None
    full = commit.event == "full" and commit.row is not None
    return ChangeEvent(
        element=commit.element,
        key=commit.key,
        version=version,
        operation=Operation.DELETE if commit.row is None else Operation.UPSERT,
        image=dict(commit.row or {}) if full else None,
    )


def _copy(legacy: MemoryLegacyStore) -> MemoryLegacyStore:
    twin = MemoryLegacyStore()
    for name in ("_tables", "_columns"):
        vars(twin)[name] = copy.deepcopy(vars(legacy)[name])
    return twin
