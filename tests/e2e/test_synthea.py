"""Synthea's event stream through SQS: a fork's elements in a layer of their own, all at once.

The data is treated as patient data: assertions compare in memory and say what differs, never how.
"""

import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from medplum_migration.domain.checkpoint import Disposition
from medplum_migration.domain.phase import Phase
from medplum_migration.runtime.settings import Settings
from medplum_migration.runtime.stack import stack_settings
from medplum_migration.runtime.wiring import Wiring
from sandbox.aws.deployment import create_secret, deploy
from sandbox.aws.ministack import MiniStack
from sandbox.aws.tools import ROOT
from sandbox.demo.script import PARAMETERS
from sandbox.demo.stage import Stage
from sandbox.demo.telemetry import Silence
from tests.e2e.bundle import Bundle, close
from tests.integration.synthea.events import Clinic
from tests.integration.synthea.test_rows import COUNTS
from tests.relaying import relay_of
from tests.required import absent

pytestmark = pytest.mark.e2e

_DATA = ROOT.parent / "shared/legacy/synthea11"
_EVENTS = 749
_PARTS = 40
_READERS = ("DualWrite", "Backfill", "ScheduleWork", "Quarantine")
_PAUSE_S = 0.5


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    """A clinic on the last day of 2022."""
    if not _DATA.is_dir():
        absent("Synthea's files are not there")
    made = Clinic(_DATA, tmp_path / "clinic.db")
    yield made
    made.close()


@pytest.fixture
def migrating(stage: Stage, clinic: Clinic) -> Iterator[Bundle]:
    """A stack of its own beside the other, with the example's elements, which reads the clinic."""
    assert stage.embedded
    stage.embedded.reset()
    stack = f"synthea-{uuid4().hex[:8]}"
    medplum = {"client_id": stage.medplum.client_id, "client_secret": stage.medplum.client_secret}
    legacy = {"dsn": f"sqlite:///{clinic.path}"}
    outputs = deploy(
        stage.aws,
        {
            **PARAMETERS,
            "Elements": "examples.synthea.elements",
            "LegacyStore": "examples.synthea.legacy_store",
            "SourceName": "synthea",
            "MedplumBaseUrl": stage.medplum.base_url,
            "MedplumSecretArn": create_secret(stage.aws, f"medplum-{stack}", medplum),
            "LegacySecretArn": create_secret(stage.aws, f"legacy-{stack}", legacy),
            "ScheduleState": "DISABLED",
        },
        name=stack,
    )
    _add_layer(stage.aws, [outputs[f"{name}FunctionName"] for name in _READERS])
    wired = Wiring(Settings(**stack_settings(stack)), Silence())
    yield Bundle(stage.aws, stage.embedded, outputs, wired)
    close(wired)


def test_replay(migrating: Bundle, clinic: Clinic) -> None:
    """The present is written while the past is copied; every record arrives, and is equal."""
    elements = list(migrating.wired.elements)
    for element in elements:
        migrating.set_phase(Phase.DUAL_WRITE, element)
    relay = relay_of(clinic.engine, migrating.send)
    written: list[int] = []

    def live() -> None:
        for number in clinic.go_on(_PARTS):
            written.append(number)
            relay.drain()
            threading.Event().wait(_PAUSE_S)

    writing = threading.Thread(target=live)
    writing.start()
    migrating.backfill(*elements, chunk_size=500)
    writing.join()
    migrating.wait_until_idle()
    _mend(migrating)

    assert _EVENTS == sum(written)
    for element in elements:
        found = migrating.wired.reconcile(element)()
        entries = list(migrating.wired.manifest.entries(element))
        assert found.is_equal, f"{element}: both sides differ"
        assert COUNTS[element] == len(entries) == found.records == found.resources
        assert {Disposition.SUCCESSFUL} == {entry.disposition for entry in entries}
        assert [] == [entry.code for entry in migrating.wired.quarantine.entries(element)]


def _mend(bundle: Bundle) -> None:
    """Replay, as an operator does, what came before its encounter: its event knows the day only."""
    for element in bundle.wired.elements:
        entries = list(bundle.wired.quarantine.entries(element))
        assert {entry.code for entry in entries} <= {"Orphan"}
        bundle.wired.steer_quarantine.replay(entries)
    bundle.wait_until_idle()


def _add_layer(aws: MiniStack, functions: list[str]) -> None:
    """Give functions the example's package, as a fork does that leaves `shared/` alone."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((ROOT / "examples").rglob("*")):
            if path.suffix in {".py", ".csv"}:
                archive.write(path, Path("python", path.relative_to(ROOT)))
    client = aws.client("lambda")
    made = client.publish_layer_version(LayerName="synthea", Content={"ZipFile": packed.getvalue()})
    for name in functions:
        held = client.get_function_configuration(FunctionName=name)["Layers"]
        layers = [*(layer["Arn"] for layer in held), made["LayerVersionArn"]]
        client.update_function_configuration(FunctionName=name, Layers=layers)
