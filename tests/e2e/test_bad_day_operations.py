"""Bad days of operations: no control table, doubled backfills and deployments, wrong clocks."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from medplum_migration.domain.checkpoint import ChunkStatus, ChunkTask, RunStatus
from medplum_migration.domain.errors import ConfigurationError, ConflictError
from medplum_migration.domain.phase import Phase
from sandbox.demo.stage import ELEMENTS, Stage
from tests.e2e.bad_days import OUTAGE_S, PATIENTS, Clinic, beside, clinic_of
from tests.e2e.bundle import ELEMENT, Bundle, wait_until

pytestmark = pytest.mark.e2e

_EVERYBODY = {"Patient": PATIENTS, "Practitioner": 8}
_REFUSALS = {"Configuration", "Conflict"}
_NOWHERE = "http://127.0.0.1:9"
_SKEWS = {"Backfill": 1, "DualWrite": -1, "ScheduleWork": 2}
"""Hours that the clock of each function is ahead."""
_WRONG_CLOCK = """
import os, time
_now, _skew_s = time.time, float(os.environ["SKEW_S"])
time.time = lambda: _now() + _skew_s
"""


@pytest.fixture(scope="module")
def site(deployed: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """Deploy a stack with scaled times, and a clinic of its own."""
    with clinic_of(deployed, tmp_path_factory.mktemp("bad")) as made:
        yield made


@pytest.fixture
def clinic(stage: Stage, site: Clinic) -> Clinic:
    """Give the clinic, with nothing in Medplum and every change on its way there."""
    del stage
    site.begin()
    return site


def test_the_control_table_is_unavailable(clinic: Clinic) -> None:
    """No function reaches DynamoDB for a while: nothing is written, and nothing is lost."""
    with clinic.copying(), ExitStack() as outage:
        for function in ("DualWrite", "Backfill", "ScheduleWork"):
            outage.enter_context(clinic.environment(function, AWS_ENDPOINT_URL_DYNAMODB=_NOWHERE))
        clinic.bundle.send(clinic.change(clinic.patients()[:80], times=2))
        before = clinic.bundle.medplum.stats()["createdVersions"]
        time.sleep(OUTAGE_S)
        during = clinic.bundle.medplum.stats()["createdVersions"] - before
    clinic.bundle.wait_until_idle()

    assert 0 == during
    clinic.assert_closed()


def test_a_backfill_is_started_twice(clinic: Clinic) -> None:
    """Of four operators three are refused; a chunk that is sent twice is worked on once."""
    bundle = clinic.bundle
    for element in ELEMENTS:
        bundle.set_phase(Phase.BACKFILL, element)
    steer = bundle.wired.steer_backfill

    def start(_operator: int) -> str:
        try:
            return steer.start(ELEMENT, chunk_size=20).run_id
        except (ConfigurationError, ConflictError) as refused:
            return refused.code

    with ThreadPoolExecutor(4) as operators:
        answers = list(operators.map(start, range(4)))
    steer.start(ELEMENTS[0], chunk_size=20)
    wait_until(lambda: _goes_on_doubled(bundle), every_s=1)
    run = bundle.wired.checkpoints.run(ELEMENT)

    assert run
    assert [run.run_id] == [answer for answer in answers if answer not in _REFUSALS]
    assert sum(_EVERYBODY.values()) == bundle.medplum.stats()["createdVersions"]
    clinic.assert_closed()


def test_two_deployments_at_once(clinic: Clinic) -> None:
    """Two stacks take the same changes to the same Medplum: each record is there once."""
    with beside(clinic) as other:
        with clinic.copying(), other.copying():
            events = clinic.change(clinic.patients(), times=2, images=True)
            clinic.bundle.send(events)
            other.bundle.send(events[::-1])
        for one in (clinic, other):
            one.bundle.wait_until_idle()
            one.assert_closed()

    assert _EVERYBODY == clinic.bundle.medplum.stats()["resources"]


def test_clock_skew(clinic: Clinic, tmp_path: Path) -> None:
    """Functions whose clocks are hours apart agree, because no clock decides who is right."""
    Path(tmp_path, "sitecustomize.py").write_text(_WRONG_CLOCK)
    with ExitStack() as wrong:
        for function, hours in _SKEWS.items():
            values = {"PYTHONPATH": str(tmp_path), "SKEW_S": str(3600 * hours)}
            wrong.enter_context(clinic.environment(function, **values))
        with clinic.copying():
            clinic.bundle.send(clinic.change(clinic.patients(), times=2, images=True))
        clinic.bundle.wait_until_idle()
    run = clinic.bundle.wired.checkpoints.run(ELEMENT)
    written = [entry.recorded_at for entry in clinic.bundle.wired.manifest.entries(ELEMENT)]

    assert run
    assert run.ended_at
    assert _SKEWS["ScheduleWork"] == _hours_off(run.ended_at)
    assert {_SKEWS["Backfill"], _SKEWS["DualWrite"]} >= set(map(_hours_off, written))
    clinic.assert_closed()


def _hours_off(told_s: float) -> int:
    return round((told_s - time.time()) / 3600)


def _goes_on_doubled(bundle: Bundle) -> bool:
    """Tick two schedulers at once and send every open chunk again; tell whether all are done."""
    client, name = bundle.aws.client("lambda"), bundle.outputs["ScheduleWorkFunctionName"]
    with ThreadPoolExecutor(2) as clocks:
        list(clocks.map(lambda _: client.invoke(FunctionName=name, Payload=b"{}"), range(2)))
    runs = [run for run in map(bundle.wired.checkpoints.run, ELEMENTS) if run]
    for run in runs:
        chunks = bundle.wired.checkpoints.chunks(run.element, run.run_id)
        bundle.wired.tasks.send(
            [
                ChunkTask(element=run.element, run_id=run.run_id, chunk=chunk.number)
                for chunk in chunks
                if chunk.status is not ChunkStatus.DONE
            ]
        )
    return all(run.status is RunStatus.DONE for run in runs)
