"""The stage: Medplum, AWS and a clinic on free ports of this machine, and the bundle deployed."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from medplum_migration.runtime.settings import Settings
from medplum_migration.runtime.stack import stack_settings
from medplum_migration.runtime.wiring import Wiring
from sandbox.aws.deployment import STACK, create_secret, deploy
from sandbox.aws.ministack import MiniStack
from sandbox.aws.observation import logs
from sandbox.aws.tools import ROOT
from sandbox.clinic.database import create_clinic
from sandbox.demo.script import PARAMETERS, Script, Server
from sandbox.demo.telemetry import Silence
from sandbox.medplum.server import EmbeddedMedplum

ELEMENTS = ("practitioners", "patients")
"""What the demo migrates: each element after those it refers to."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs; `outputs` are those of the deployed stack."""

    folder: Path
    clinic: Path
    aws: MiniStack
    medplum: Server
    embedded: EmbeddedMedplum | None
    outputs: dict[str, str]
    wired: Wiring

    def start_writer(self, script: Script) -> "subprocess.Popen[bytes]":
        """Let the clinic write."""
        options = ["--rate", str(script.rate), "--seed", str(script.seed), "--until-stopped"]
        module = ("sandbox.clinic.writer", "--dsn", str(self.clinic))
        return self._start("writer", *module, *options)

    def start_relay(self) -> "subprocess.Popen[bytes]":
        """Publish what the clinic writes."""
        verb = ("capture", "relay", "--until-stopped", "--execute")
        return self._start("relay", "medplum_migration.cli", "--stack", STACK, *verb)

    def _start(self, name: str, *module: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


@contextmanager
def set_up(
    script: Script, folder: Path, console: Console, parameters: Mapping[str, str] = PARAMETERS
) -> Iterator[Stage]:
    """Start everything, and end it with the block; `parameters` are those of the deployed stack.

    Within the block this process's environment leads to the emulator.
    """
    clinic = folder / "clinic.db"
    with ExitStack() as stack:
        embedded = None
        if script.server is None:
            console.print("Medplum: starting the embedded server")
            embedded = stack.enter_context(EmbeddedMedplum.start(log_path=folder / "medplum.log"))
            server = Server(embedded.base_url, embedded.client_id, embedded.client_secret)
        else:
            server = script.server
        console.print(f"Clinic: {script.patients} made-up patients, seed {script.seed}")
        create_clinic(clinic, patients=script.patients, seed=script.seed)
        console.print("AWS: starting the emulator, building and deploying the bundle")
        aws = stack.enter_context(MiniStack(folder / "aws.log"))
        stack.enter_context(_environment(aws.environment()))
        outputs = deploy(aws, {**parameters, **_places(aws, server, clinic)})
        wired = Wiring(Settings(**stack_settings(STACK)), Silence())
        stack.callback(_keep_logs, aws, outputs, folder)
        yield Stage(folder, clinic, aws, server, embedded, outputs, wired)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _keep_logs(aws: MiniStack, outputs: dict[str, str], folder: Path) -> None:
    """Write what the functions have logged to the folder."""
    for name, function in outputs.items():
        if name.endswith("FunctionName"):
            (folder / f"{function}.log").write_text("\n".join(logs(aws, function)))


def _places(aws: MiniStack, server: Server, clinic: Path) -> dict[str, str]:
    """Where Medplum and the clinic are; identifiers of this run meet no other run's."""
    credentials = {"client_id": server.client_id, "client_secret": server.client_secret}
    return {
        "MedplumBaseUrl": server.base_url,
        "MedplumSecretArn": create_secret(aws, "medplum", credentials),
        "LegacySecretArn": create_secret(aws, "legacy", {"dsn": f"sqlite:///{clinic}"}),
        "IdentifierBase": f"https://example.org/demo/{uuid.uuid4().hex[:12]}",
        "ScheduleState": "DISABLED",
    }
