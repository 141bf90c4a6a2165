"""Quarantine: dead letters are kept without patient data, replayed by the usual path, or let go."""

import json

import pytest

from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import ChunkTask, Disposition
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.domain.phase import Phase
from medplum_migration.phases.apply import apply
from medplum_migration.phases.dual_write import Message, apply_at_once
from medplum_migration.phases.quarantine import GAVE_UP, QuarantineDeadLetters
from medplum_migration.phases.steer_quarantine import SteerQuarantine
from tests.published import postgresql
from tests.world import World, full


@pytest.fixture
def dead_letters(world: World) -> QuarantineDeadLetters:
    """The phase under test."""
    return QuarantineDeadLetters(
        quarantine=world.quarantine,
        manifest=world.manifest,
        clock=world.clock,
        telemetry=world.telemetry,
        hash_key=b"key",
    )


@pytest.fixture
def steer(world: World) -> SteerQuarantine:
    """The operator's hand."""
    return SteerQuarantine(
        quarantine=world.quarantine,
        manifest=world.manifest,
        checkpoints=world.checkpoints,
        events=world.events,
        clock=world.clock,
    )


def letter(event: ChangeEvent) -> Message:
    """Put an event in a dead letter."""
    return Message("m", event.model_dump_json())


def test_a_dead_letter_is_kept_without_its_image(
    world: World, dead_letters: QuarantineDeadLetters
) -> None:
    """Element, key and version are kept; the image is not."""
    assert [] == dead_letters([letter(full(1, 4, "Secret"))])

    entry = world.quarantine.get("people", "1")
    assert entry is not None
    assert (GAVE_UP, 4) == (entry.code, entry.version)
    assert "Secret" not in entry.model_dump_json()
    assert 1 == world.telemetry.total("RecordsHeldBack", code=GAVE_UP)
    known = world.manifest.get("people", "1")
    assert known is not None
    assert Disposition.QUARANTINED is known.disposition


def test_a_dead_letter_of_an_applied_version_opens_nothing(
    world: World, dead_letters: QuarantineDeadLetters
) -> None:
    """When a newer version was applied meanwhile, there is nothing to keep."""
    apply([full(1, 5, "New")], world.mapping, world.target)
    dead_letters([letter(full(1, 4, "Old"))])

    assert world.quarantine.get("people", "1") is None


def test_what_cannot_be_read_stays_in_the_queue(dead_letters: QuarantineDeadLetters) -> None:
    """A body of unknown content is not copied anywhere; a lost chunk task is let go."""
    task = ChunkTask(element="people", run_id="r", chunk=0).model_dump_json()

    assert ["bad"] == dead_letters([Message("bad", "{}"), Message("task", task)])


def test_a_change_of_a_row_stays_in_the_queue(
    world: World, dead_letters: QuarantineDeadLetters
) -> None:
    """It has no version that an entry could close at; the events beside it are quarantined."""
    change = postgresql("u", after={"number": 1, "surname": "Secret"})
    event = json.loads(full(2, 4, "Secret").model_dump_json())

    assert ["m"] == dead_letters([Message("m", json.dumps([change, event]))])
    assert world.quarantine.get("people", "1") is None
    assert world.quarantine.get("people", "2") is not None
    assert "Secret" not in str(world.telemetry.problems)


def test_a_replay_takes_the_usual_path(
    world: World, dead_letters: QuarantineDeadLetters, steer: SteerQuarantine
) -> None:
    """A replayed entry reads the row anew, is applied, and closes itself."""
    event = world.write(1, "Ada")
    dead_letters([letter(event)])
    world.set_phase(Phase.DUAL_WRITE)
    steer.replay(list(world.quarantine.entries("people")))
    apply_at_once(world.dual_write, world.events.take())

    assert "Ada" == world.surname(1)
    assert [] == list(world.quarantine.entries("people"))


def test_discarding_counts_as_rejected_and_is_audited(
    world: World, dead_letters: QuarantineDeadLetters, steer: SteerQuarantine
) -> None:
    """A person takes responsibility: the entry goes, the manifest and the audit trail say so."""
    dead_letters([letter(full(1, 4, "Ada"))])
    steer.discard("people", "1", actor="ops", reason="test patient")

    known = world.manifest.get("people", "1")
    assert known is not None
    assert (Disposition.REJECTED, "Discarded") == (known.disposition, known.error)
    assert world.quarantine.get("people", "1") is None
    (entry,) = world.checkpoints.audit("people")
    assert ("ops", "quarantine.discard") == (entry.actor, entry.action)


def test_only_what_is_held_can_be_discarded(steer: SteerQuarantine) -> None:
    """A wrong key is told."""
    with pytest.raises(ConfigurationError, match="not in quarantine"):
        steer.discard("people", "1", actor="ops", reason="x")
