"""The local worker: interrupted, cut off, kept waiting; it tells, and keeps what is done."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from medplum_migration.adapters.local_queue import LocalQueue
from medplum_migration.cli.session import Session
from medplum_migration.cli.work import work_here
from medplum_migration.domain.checkpoint import ChunkTask, RunStatus
from medplum_migration.domain.errors import ConfigurationError, ThrottledError, UnavailableError
from medplum_migration.domain.phase import Phase
from tests.backfills import balance, start
from tests.world import World


@pytest.fixture
def session(world: World) -> Session:
    """Begin a run of ten records and stand before it as the command does."""
    start(world, 10)
    made = Session(stack=None, local=Path("state.db"))
    tasks = LocalQueue[ChunkTask](world.clock)
    target = replace(world.target, telemetry=made.telemetry)
    made.__dict__["wired"] = SimpleNamespace(
        checkpoints=world.checkpoints,
        steer_backfill=world.steer_backfill,
        schedule_work=replace(world.schedule_work, tasks=tasks),
        backfill=replace(world.backfill, tasks=tasks, target=target),
        local_tasks=tasks,
        clock=world.clock,
    )
    return made


def fails(times: int, error: BaseException, then: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that fails a number of times before it works."""
    left = iter(range(times))

    def failing(*arguments: Any, **named: Any) -> Any:
        if next(left, None) is not None:
            raise error
        return then(*arguments, **named)

    return failing


def test_all_is_done(session: Session, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The run ends, and the balance is printed."""
    work_here(session, "people")

    assert 10 == balance(world).successful
    assert "eligible 10 = successful 10" in capsys.readouterr().out


def test_an_interruption_keeps_what_is_done(
    session: Session,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-C: 130, the command to go on with, and a fresh worker that waits for nobody."""
    with monkeypatch.context() as patched:
        second = fails(1, KeyboardInterrupt(), world.backfill.target.fhir.find)
        first = iter([world.fhir.find, world.fhir.find])

        def find(*arguments: Any) -> Any:
            return next(first, second)(*arguments)

        patched.setattr(world.fhir, "find", find)
        with pytest.raises(typer.Exit) as ended:
            work_here(session, "people")
    done = balance(world).eligible
    before = world.clock.now()
    work_here(session, "people")
    told = capsys.readouterr().err

    assert 130 == ended.value.exit_code
    assert 4 == done
    assert "medplum-migrate --local state.db backfill work people --execute" in told
    assert 10 == balance(world).successful
    assert before == world.clock.now()


def test_a_medplum_that_stays_away_is_told(
    session: Session,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After three pages the worker gives up; nothing is lost, and the next one goes on."""
    with monkeypatch.context() as patched:
        away = fails(10**6, UnavailableError("Medplum did not answer"), world.fhir.find)
        patched.setattr(world.fhir, "find", away)
        with pytest.raises(UnavailableError, match="Medplum did not answer"):
            work_here(session, "people")
    told = capsys.readouterr().err
    work_here(session, "people")

    assert 3 == told.count("Medplum did not answer: 2 records are tried again")
    assert "Continue with: medplum-migrate --local state.db backfill work people" in told
    assert 10 == balance(world).successful


def test_a_wrong_secret_is_told_at_once(
    session: Session, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Functions wait until a setting is mended; here the person who can mend it is watching."""
    error = ConfigurationError("Medplum refuses the client id or its secret")
    with monkeypatch.context() as patched:
        patched.setattr(world.fhir, "find", fails(10**6, error, world.fhir.find))
        with pytest.raises(ConfigurationError, match="refuses the client id"):
            work_here(session, "people")
    work_here(session, "people")

    assert 10 == balance(world).successful


def test_a_short_outage_is_sat_out(
    session: Session, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Medplum that comes back is not given up."""
    rounds = 2 * world.target.rounds
    short = fails(rounds, UnavailableError("Medplum did not answer"), world.fhir.find)
    monkeypatch.setattr(world.fhir, "find", short)
    work_here(session, "people")

    assert 10 == balance(world).successful


def test_a_used_up_quota_is_waited_for(
    session: Session,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However often: a quota always returns."""
    error = ThrottledError("the quota of FHIR interactions is used up", retry_after_s=30)
    monkeypatch.setattr(world.fhir, "find", fails(8, error, world.fhir.find))
    work_here(session, "people")

    assert 10 == balance(world).successful
    assert "the quota of FHIR interactions is used up" in capsys.readouterr().err


def test_a_lease_of_a_dead_worker_is_told(
    session: Session, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wait for a lease is explained once, and ends with it."""
    world.schedule_work()
    for task in world.tasks.take():
        chunk = world.checkpoints.chunk("people", task.run_id, task.chunk)
        assert chunk is not None
        world.checkpoints.save_chunk(chunk.leased("dead", world.clock.now(), lease_s=60))
    work_here(session, "people")

    told = capsys.readouterr().err
    assert 1 == told.count("is leased by another worker, or by one that died")
    assert "free in 60 s at the latest" in told
    assert 10 == balance(world).successful


def test_an_element_that_left_the_phase_is_told(session: Session, world: World) -> None:
    """The worker does not wait for a phase that nobody will set."""
    world.set_phase(Phase.DUAL_WRITE)

    with pytest.raises(ConfigurationError, match="phase backfill only"):
        work_here(session, "people")


def test_a_paused_run_is_told(
    session: Session, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A paused run is left alone, with the command that lets it go on."""
    world.steer_backfill.pause("people")
    work_here(session, "people")

    assert "Paused. Go on with: medplum-migrate" in capsys.readouterr().err
    assert RunStatus.PAUSED is world.checkpoints.run("people").status  # type: ignore[union-attr] # because it was started


def test_records_that_wait_for_a_person_are_told(
    session: Session, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The end names the next step when something is in quarantine."""
    world.write(3, "unmappable")
    work_here(session, "people")

    assert "quarantine list people" in capsys.readouterr().err
    assert (9, 1) == (balance(world).successful, balance(world).quarantined)
