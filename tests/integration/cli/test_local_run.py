"""A clinic of 60 patients migrates without AWS: sampled, paused, killed, interrupted, compared."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.medplum.server import EmbeddedMedplum
from tests.unit.medplum_migration.cli.command import Done, run

SCRIPT = Path(sys.executable).with_name("medplum-migrate")
PLACE = ("--local", "state.db")

pytestmark = pytest.mark.integration


def migrate(*arguments: str) -> Done:
    """Run a verb on the test's state file; it must not fail."""
    done = run(*PLACE, *arguments)
    assert 0 == done.code, done.err
    return done


@pytest.fixture
def in_backfill(large_clinic: None) -> None:
    """Move patients of the large clinic to phase backfill, and turn on what they refer to."""
    assert large_clinic is None
    for element in ("practitioners", "patients"):
        migrate("phase", "set", element, "dual_write", "--execute")
    migrate("phase", "set", "patients", "backfill", "--execute")


def progress() -> dict[str, Any]:
    """Read how far the run is."""
    told: dict[str, Any] = migrate("backfill", "status", "patients", "--json").json
    return told


def wait_for(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def worker(**environment: str) -> subprocess.Popen[str]:
    """Start a worker as a process of its own."""
    return subprocess.Popen(  # noqa: S603 because the program is ours
        [SCRIPT, *PLACE, "backfill", "work", "patients", "--execute"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fhir(medplum: EmbeddedMedplum) -> httpx.Client:
    """Make a client that may do everything."""
    form = {
        "grant_type": "client_credentials",
        "client_id": medplum.client_id,
        "client_secret": medplum.client_secret,
    }
    answer = httpx.post(f"{medplum.base_url}oauth2/token", data=form)
    token = answer.json()["access_token"]
    return httpx.Client(
        base_url=f"{medplum.base_url}fhir/R4/", headers={"Authorization": f"Bearer {token}"}
    )


def closed(told: dict[str, Any]) -> bool:
    """Tell whether the balance of a finished run is closed."""
    ends = ("successful", "rejected", "skipped", "quarantined")
    ended = sum(int(told[end]) for end in ends)
    return ("done", told["eligible"]) == (told["status"], ended)


@pytest.mark.usefixtures("in_backfill")
def test_a_clinic_migrates(medplum: EmbeddedMedplum) -> None:
    """Ten first, looked at, then all; equal at the end, and a corrupted resource is found."""
    migrate("backfill", "start", "patients", "--limit", "10", "--execute")
    sample = progress()
    early = run(*PLACE, "reconcile", "patients", "--json")
    migrate("backfill", "start", "patients", "--chunk-size", "25", "--execute")
    whole = progress()
    equal = migrate("reconcile", "patients", "--json").json

    assert (10, True) == (sample["done"], closed(sample))
    assert (1, 50) == (early.code, early.json["findings"]["missing"])
    assert (60, "4/4", True) == (whole["done"], whole["chunks"], closed(whole))
    assert [] == equal["differences"]
    assert whole["quarantined"] == equal["findings"]["quarantined"] > 0
    assert whole["successful"] == equal["findings"]["match"] == equal["resources"]

    with fhir(medplum) as client:
        patient = client.get("Patient?_count=1").json()["entry"][0]["resource"]
        client.put(f"Patient/{patient['id']}", json={**patient, "birthDate": "1801-02-03"})
    found = run(*PLACE, "reconcile", "patients")

    assert 1 == found.code
    assert "birthDate" in found.out
    assert "1801" not in found.out + found.err


@pytest.mark.usefixtures("in_backfill")
def test_pause_and_resume(medplum: EmbeddedMedplum) -> None:
    """A pause from another shell ends the worker after its page; resumed, the rest is done."""
    begin(medplum)
    working = worker(PAGE_SIZE="5")
    wait_for(lambda: progress()["done"] > 0)
    migrate("backfill", "pause", "patients", "--execute")
    _, told = working.communicate(timeout=30)
    paused = progress()
    migrate("backfill", "resume", "patients", "--execute")
    migrate("backfill", "work", "patients", "--execute")

    assert 0 == working.returncode
    assert "Go on with: medplum-migrate --local state.db backfill resume patients" in told
    assert "paused" == paused["status"]
    assert 0 < paused["done"] < 60
    assert closed(progress())
    migrate("reconcile", "patients")


@pytest.mark.usefixtures("in_backfill")
def test_kill_and_continue(medplum: EmbeddedMedplum, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle, the next worker waits for the lease, says so, and loses nothing."""
    monkeypatch.setenv("LEASE_S", "3")
    begin(medplum)
    working = worker(PAGE_SIZE="5")
    wait_for(lambda: progress()["done"] > 0)
    working.kill()
    working.communicate(timeout=30)
    done = progress()["done"]
    again = migrate("backfill", "work", "patients", "--execute")

    assert 0 < done < 60
    assert "leased by another worker, or by one that died" in again.err
    assert closed(progress())
    assert 60 == progress()["done"]
    migrate("reconcile", "patients")


@pytest.mark.usefixtures("in_backfill")
def test_interrupt_and_continue(medplum: EmbeddedMedplum) -> None:
    """Ctrl-C leaves with 130 and gives the lease back: the next worker goes on at once."""
    begin(medplum)
    working = worker(PAGE_SIZE="5")
    wait_for(lambda: progress()["done"] > 0)
    working.send_signal(signal.SIGINT)
    _, told = working.communicate(timeout=30)
    started = time.monotonic()
    again = migrate("backfill", "work", "patients", "--execute")

    assert 130 == working.returncode
    assert "Interrupted; every finished page is kept." in told
    assert "Traceback" not in told
    assert "leased" not in again.err
    assert time.monotonic() - started < 60
    assert closed(progress())


@pytest.mark.usefixtures("in_backfill")
def test_medplum_goes_away(medplum: EmbeddedMedplum, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost connection is told, and the worker stops with 4; nothing is quarantined for it."""
    with monkeypatch.context() as patched:
        patched.setenv("MEDPLUM_BASE_URL", "http://127.0.0.1:1/")
        patched.setattr("time.sleep", lambda _: None)
        stopped = run(*PLACE, "backfill", "start", "patients", "--execute")
    assert medplum.base_url == os.environ["MEDPLUM_BASE_URL"]
    migrate("backfill", "work", "patients", "--execute")

    assert 4 == stopped.code
    assert "Medplum did not answer: 60 records are tried again" in stopped.err
    assert "Continue with: medplum-migrate --local state.db backfill work patients" in stopped.err
    assert closed(progress())


def begin(medplum: EmbeddedMedplum) -> None:
    """Begin a run that no worker has taken up yet: its first one is turned away."""
    medplum.fault(match="oauth2/token", status=400, body={"error": "invalid_client"})
    turned_away = run(*PLACE, "backfill", "start", "patients", "--execute")
    assert 3 == turned_away.code, json.dumps([turned_away.out, turned_away.err])
