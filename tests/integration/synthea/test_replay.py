"""The event stream: backfill of the past while the present is written ends in the full state."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from examples.synthea.elements import MAPPINGS
from medplum_migration.adapters.memory_fhir_store import MemoryFhirStore
from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import Disposition, RunStatus
from medplum_migration.domain.phase import Phase
from medplum_migration.phases.dual_write import Message
from medplum_migration.runtime.settings import Settings
from medplum_migration.runtime.wiring import Wiring
from sandbox.clinic.database import clinic_engine
from sandbox.demo.telemetry import Silence
from tests.integration.synthea.events import Clinic, contents
from tests.integration.synthea.test_rows import COUNTS
from tests.relaying import relay_of

pytestmark = pytest.mark.integration

_EVENTS = 749
_PARTS = 40
_CHUNK = 500
_DELIVERIES = 20
_BY_DAY = ("conditions", "allergies", "careplans", "supplies")


@pytest.fixture
def clinic(synthea: Path, tmp_path: Path) -> Iterator[Clinic]:
    """A clinic on the last day of 2022."""
    made = Clinic(synthea, tmp_path / "clinic.db")
    yield made
    made.close()


@pytest.fixture
def wired(clinic: Clinic, tmp_path: Path) -> Iterator[Wiring]:
    """All phases over the clinic, with Medplum in memory."""
    settings = Settings(
        state_path=tmp_path / "state.db",
        elements="examples.synthea.elements",
        legacy_store="examples.synthea.legacy_store",
        source_name="synthea",
        legacy_dsn=SecretStr(f"sqlite:///{clinic.path}"),
        hash_key=SecretStr("key"),
    )
    made = Wiring(settings, Silence())
    vars(made)["fhir"] = MemoryFhirStore()
    yield made
    made.close()


def test_replay(clinic: Clinic, wired: Wiring, imported: Path) -> None:
    """All events arrive between the chunks of the backfills; both sides end as the files are."""
    relay = relay_of(clinic.engine, lambda events: _deliver(wired, events))
    present = clinic.go_on(_PARTS)
    written = 0
    for element in wired.elements:
        _move(wired, element, Phase.DUAL_WRITE)
    for element in wired.elements:
        _move(wired, element, Phase.BACKFILL)
        wired.steer_backfill.start(element, chunk_size=_CHUNK)
    while not _is_done(wired):
        written += next(present, 0)
        relay.drain()
        wired.schedule_work()
        if task := wired.local_tasks.take():
            wired.backfill(task, deadline=math.inf)
    written += sum(present)
    relay.drain()
    _mend(wired)

    engine = clinic_engine(imported)
    same = contents(engine) == clinic.tables()
    engine.dispose()
    assert _EVENTS == written
    assert same, "the clinic did not end as the files are"
    _check_end(wired)


def _mend(wired: Wiring) -> None:
    """Replay, as an operator does, what came before its encounter: its event knows the day only."""
    for element in wired.elements:
        entries = list(wired.quarantine.entries(element))
        assert {entry.code for entry in entries} <= {"Orphan"}
        assert element in _BY_DAY or not entries
        wired.steer_quarantine.replay(entries)
    while event := wired.local_events.take():
        _deliver(wired, [event])


def _check_end(wired: Wiring) -> None:
    for mapping in MAPPINGS:
        found = wired.reconcile(mapping.element)()
        entries = list(wired.manifest.entries(mapping.element))
        assert {Disposition.SUCCESSFUL} == {entry.disposition for entry in entries}
        assert [] == list(wired.quarantine.entries(mapping.element))
        assert COUNTS[mapping.element] == len(entries) == found.records == found.resources
        assert found.is_equal, f"{mapping.element}: both sides differ"


def _deliver(wired: Wiring, events: Sequence[ChangeEvent]) -> None:
    """Deliver events as a queue does: again until they are taken."""
    waiting = [Message(str(n), event.model_dump_json()) for n, event in enumerate(events)]
    for _ in range(_DELIVERIES):
        again = set(wired.dual_write(waiting))
        waiting = [message for message in waiting if message.message_id in again]
        if not waiting:
            return
    pytest.fail(f"{len(waiting)} events were never taken")


def _move(wired: Wiring, element: str, phase: Phase) -> None:
    state = wired.checkpoints.element(element)
    wired.checkpoints.save_element(state.model_copy(update={"phase": phase}))


def _is_done(wired: Wiring) -> bool:
    runs = [wired.checkpoints.run(element) for element in wired.elements]
    return all(run is not None and run.status is RunStatus.DONE for run in runs)
