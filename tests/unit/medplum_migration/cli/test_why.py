"""`why`: what every place knows of a record, and the one thing to do next."""

import json
from dataclasses import replace

import pytest

from medplum_migration.cli import why
from medplum_migration.domain.change_event import Operation
from medplum_migration.domain.errors import UnavailableError
from medplum_migration.domain.phase import Phase
from medplum_migration.ports.quarantine import QuarantineEntry
from medplum_migration.runtime.settings import Settings
from medplum_migration.runtime.wiring import Wiring
from tests.applying import applied
from tests.backfills import start
from tests.unit.medplum_migration.cli.command import run
from tests.world import World


@pytest.fixture
def wired(world: World) -> Wiring:
    """Wire the world as the command does."""
    wired = Wiring(Settings(), world.telemetry)
    for name in ("legacy", "fhir", "checkpoints", "manifest", "quarantine", "elements"):
        setattr(wired, name, getattr(world, name))
    world.set_phase(Phase.DUAL_WRITE)
    return wired


def told(wired: Wiring, key: int = 1) -> str:
    """Tell what to do next."""
    return why.next_step(why.ask(wired, "people", str(key)))


def test_a_record_at_its_version_needs_nothing(world: World, wired: Wiring) -> None:
    """Medplum's fence and the legacy store agree."""
    applied(world, world.write(1, "Secret"))
    known = why.ask(wired, "people", "1")

    assert "Nothing: Medplum holds" in why.next_step(known)
    assert [(1, 3, False)] == [
        (one.version, one.mapping_version, one.is_tombstone) for one in known.held or ()
    ]


def test_a_tombstone_is_told(world: World, wired: Wiring) -> None:
    """A deleted record that Medplum holds as deleted is at its version, too."""
    applied(world, world.write(1, "Secret"))
    applied(world, world.delete(1))
    known = why.ask(wired, "people", "1")

    assert "Nothing: Medplum holds" in why.next_step(known)
    assert [True] == [one.is_tombstone for one in known.held or ()]


def test_a_record_that_nobody_knows(wired: Wiring) -> None:
    """A key that was mistyped, most often."""
    assert "no such record" in told(wired)


def test_what_is_behind_waits_for_its_event_or_the_backfill(world: World, wired: Wiring) -> None:
    """A backfill that has still to come by is named."""
    world.write(7, "A")
    assert "Its event is on the way" in told(wired, 7)

    start(world, 3)
    assert "Wait: the backfill" in told(wired, 2)


def test_what_is_ahead_is_told(world: World, wired: Wiring) -> None:
    """A restored backup, or a replica that lags."""
    applied(world, world.write(1, "A"))
    applied(world, world.write(1, "B"))
    world.legacy.lag("people", "1")

    assert "ahead of the legacy store" in told(wired)


def test_a_foreign_resource_is_told(world: World, wired: Wiring) -> None:
    """It carries the identifier and not the fence."""
    applied(world, world.write(1, "A"))
    foreign = why.Held("Patient/1", "1", None, None, is_tombstone=False)
    known = why.ask(wired, "people", "1")
    told_foreign = replace(known, held=[foreign])

    assert "somebody else's" in why.next_step(told_foreign)
    assert "without our fence" in str(why._rows(told_foreign))  # noqa: SLF001 because it is what is printed


def test_an_element_that_is_off_is_turned_on_first(world: World, wired: Wiring) -> None:
    """Whatever else is the matter."""
    world.set_phase(Phase.OFF)

    assert "phase off" in told(wired)


@pytest.mark.parametrize("place", ["legacy", "fhir"])
def test_a_silent_place_hides_no_other(world: World, wired: Wiring, place: str) -> None:
    """What does not answer is named, the rest is told."""
    applied(world, world.write(1, "A"))
    if place == "legacy":
        world.legacy.available = False
    else:
        world.fhir.inject_find(UnavailableError("away"))
    known = why.ask(wired, "people", "1")

    assert known.manifest is not None
    assert 1 == len(known.silent)
    assert f"answer from: {next(iter(known.silent))}." in why.next_step(known)


def test_quarantine_is_mended_or_has_been(world: World, wired: Wiring) -> None:
    """A row that has changed since is tried again by its own event."""
    applied(world, world.write(1, "unmappable"))
    assert "Mend the row" in told(wired)

    world.write(1, "Good")
    assert "has changed since" in told(wired)


def test_a_parked_record_names_its_parent(world: World, wired: Wiring) -> None:
    """The next thing to look at is the parent."""
    entry = QuarantineEntry(
        element="people",
        key="1",
        version=1,
        operation=Operation.UPSERT,
        code="MissingParent",
        reason="the parent is not in Medplum",
        quarantined_at=1.0,
        waits_for="clinics",
        waits_for_key="9",
    )
    world.quarantine.put(entry)

    assert "see `why clinics 9`" in told(wired)


def test_the_timeline_holds_every_attempt_and_no_value(world: World, wired: Wiring) -> None:
    """Versions, codes and paths, oldest first."""
    applied(world, world.write(1, "unmappable"))
    applied(world, world.write(1, "unmappable"))
    known = why.ask(wired, "people", "1")
    shown = why._rows(known)  # noqa: SLF001 because it is what is printed

    assert ["version 1", "version 2"] == [
        next(part for part in value.split(",")[0].split("Z ") if part.startswith("version"))
        for name, value in shown
        if name == "attempt"
    ]
    assert "unmappable" not in json.dumps(why._as_json(known)).replace("is of the unmappable", "")  # noqa: SLF001 because it is what is printed


@pytest.mark.usefixtures("clinic")
def test_programs_get_stable_keys() -> None:
    """Medplum is away; that is told, and the rest as well."""
    done = run("why", "patients", "13", "--json")

    assert 0 == done.code
    keys = "element key phase legacy medplum manifest quarantine backfill silent next"
    assert keys == " ".join(done.json)
    assert ["Medplum"] == list(done.json["silent"])
    assert {"version": 0, "exists": True} == done.json["legacy"]


def test_an_unknown_element_is_a_mistake() -> None:
    """Its name is told back, with those there are."""
    assert 3 == run("why", "unknown", "1").code
