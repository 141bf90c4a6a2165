"""The demo as a user runs it: a program with an exit code and a last line."""

import io
import os
import re
import signal
import subprocess
import sys

import psutil
import pytest
from rich.console import Console

from medplum_migration.ports.fhir_store import GuardedUpdate, WriteStatus
from sandbox.aws.tools import ROOT
from sandbox.clinic.people import USER_IDS
from sandbox.demo import __main__ as program
from sandbox.demo.finale import Verdict, judge
from sandbox.demo.stage import Stage
from tests.e2e.bundle import ELEMENT, Bundle

pytestmark = pytest.mark.e2e

_DEMO = (sys.executable, "-m", "sandbox.demo")
_PATIENTS = 20
_STAFF = len(USER_IDS)


@pytest.mark.usefixtures("tools")
def test_the_demo_ends_equal() -> None:
    """Workers are killed while the clinic writes, and both sides are equal at the end."""
    done = subprocess.run(  # noqa: S603 because the arguments are fixed
        [*_DEMO, "--patients", "200", "--seed", "5", "--kill-every", "3"],
        cwd=ROOT,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    lines = done.stdout.splitlines()

    assert (0, "") == (done.returncode, done.stderr)
    assert re.fullmatch(
        rf"EQUAL practitioners={_STAFF} patients=\d+ resources=\d+ differences=0", lines[-1]
    )
    assert any(re.search(r" [1-9]\d* killed$", line) for line in lines)
    assert [] == [line for line in lines if len(line) > 80]


@pytest.mark.usefixtures("tools")
def test_ctrl_c_leaves_nothing_behind() -> None:
    """An interrupted demo ends with everything that it has started, and without a traceback."""
    with subprocess.Popen(  # noqa: S603 because the arguments are fixed
        [*_DEMO, "--patients", "50"],
        cwd=ROOT,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout
        assert any("backfill start" in line for line in demo.stdout)
        started = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGINT)
        _, printed = demo.communicate(timeout=60)
        _, left = psutil.wait_procs(started, timeout=10)

    assert 130 == demo.returncode
    assert "Stopped; everything has ended\n" == printed
    assert len(started) > 3
    assert [] == left


def test_a_corrupted_patient_is_found(stage: Stage, bundle: Bundle) -> None:
    """The verdict is EQUAL until somebody changes one Patient in Medplum, and DIFFERENT after."""
    told = Console(file=io.StringIO())
    bundle.backfill()
    before = judge(stage, told)
    _change_somebody(bundle)
    after = judge(stage, told)

    everybody = f"practitioners={_STAFF} patients={_PATIENTS} resources={_STAFF + _PATIENTS}"
    assert Verdict(holds=True, line=f"EQUAL {everybody} differences=0") == before
    assert Verdict(holds=False, line=f"DIFFERENT {everybody} differences=1 open=0") == after


@pytest.mark.parametrize(("holds", "expected"), [(True, 0), (False, 1)])
def test_the_verdict_is_the_exit_code_and_the_last_line(
    expected: int,
    *,
    holds: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A difference is an error of the program, and nothing comes after the verdict."""
    verdict = Verdict(holds=holds, line="what was found")
    monkeypatch.setattr(program, "play", lambda _script, _console: verdict)

    with pytest.raises(SystemExit) as ended:
        program.main()

    assert expected == ended.value.code
    assert "what was found" == capsys.readouterr().out.splitlines()[-1]


def _change_somebody(bundle: Bundle) -> None:
    """Write a Patient as somebody with a key to Medplum could, under the version it has."""
    fhir, mapping = bundle.wired.fhir, bundle.wired.elements[ELEMENT]
    somebody = next(fhir.sweep(mapping.resource, system=mapping.system))[0]
    changed = {**somebody, "birthDate": "1871-07-23"}
    [result] = fhir.write([GuardedUpdate(changed["id"], changed["meta"]["versionId"], changed)])
    assert WriteStatus.UPDATED is result.status


def _environment() -> dict[str, str]:
    """Make the output as wide as a terminal, and let it come line by line."""
    return {**os.environ, "COLUMNS": "80", "PYTHONUNBUFFERED": "1"}
