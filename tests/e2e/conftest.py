"""The bundle, built by `sam build` and deployed by `sam deploy`, once for the tests here."""

import io
import os
from collections.abc import Iterator

import pytest
from aws_lambda_powertools.utilities.parameters import clear_caches
from rich.console import Console

from medplum_migration.runtime.aws import aws_client
from sandbox.aws.tools import ToolMissingError, tool
from sandbox.demo.script import PARAMETERS, Script
from sandbox.demo.stage import Stage, set_up
from sandbox.medplum.node import NODE_ROOT
from tests.e2e.bundle import Bundle, close
from tests.required import absent

# A poison message reaches its dead-letter queue in seconds.
_HASTE = {
    "DeadLetterVisibilityS": "2",
    "DualWriteTimeoutS": "10",
    "EventsVisibilityS": "3",
    "MaxReceiveCount": "3",
}


@pytest.fixture(scope="session")
def tools() -> None:
    """What a deployment needs."""
    try:
        for environment, program in (("sam", "sam"), ("ministack", "python"), ("uv", "uv")):
            tool(environment, program)
    except ToolMissingError as missing:
        absent(str(missing))
    if not (NODE_ROOT / "node_modules").is_dir():
        absent("the embedded Medplum is not installed; run `make setup`")


@pytest.fixture(scope="session")
def deployed(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Medplum, the emulator, a clinic of 20 patients, and the deployed stack."""
    del tools
    script = Script(patients=20, seed=1, rate=10, kill_every=0, keep=False, server=None)
    folder = tmp_path_factory.mktemp("stage")
    before = dict(os.environ)
    with set_up(script, folder, Console(file=io.StringIO()), {**PARAMETERS, **_HASTE}) as stage:
        _replace_environment(before)
        yield stage
        close(stage.wired)
    _replace_environment(before)


@pytest.fixture
def stage(deployed: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The stage, with this process's environment leading to it, as an operator's does."""
    _forget_clients()
    for name, value in deployed.aws.environment().items():
        monkeypatch.setenv(name, value)
    yield deployed
    _forget_clients()


@pytest.fixture
def bundle(stage: Stage) -> Bundle:
    """The deployed bundle, with nothing in Medplum, its tables and its queues."""
    assert stage.embedded
    bundle = Bundle(stage.aws, stage.embedded, stage.outputs, stage.wired)
    bundle.reset()
    return bundle


def _forget_clients() -> None:
    """Let no client or secret of another test reach this one."""
    aws_client.cache_clear()
    clear_caches()  # type: ignore[no-untyped-call] # because Powertools leaves it untyped


def _replace_environment(values: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)
