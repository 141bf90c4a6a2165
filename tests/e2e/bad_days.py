"""Bad days: a stack whose times are scaled down while their ratios are kept, and faults for it.

On AWS an event is delivered up to 200 times, every 6 minutes: 20 hours of patience, of which an
hour without Medplum takes a twentieth. Here it is delivered up to 60 times, every 6 seconds, so
that an outage lasts 18 seconds. A lease of 120 seconds beside a window of the quota of 60 becomes
one of 6 beside 3; of the quota a twentieth is left to live traffic. One ratio is not kept: with 12
seconds, of which 5 are its margin, a function may live longer than its messages are invisible.
"""

import json
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.difference import Finding
from medplum_migration.domain.phase import Phase
from medplum_migration.runtime.settings import Settings
from medplum_migration.runtime.stack import stack_settings
from medplum_migration.runtime.wiring import Wiring
from medplum_migration.verification.balance import balance_of
from sandbox.aws.deployment import create_secret, deploy
from sandbox.clinic.database import clinic_engine, create_clinic, write_transaction
from sandbox.demo.script import PARAMETERS
from sandbox.demo.stage import ELEMENTS, Stage
from sandbox.demo.telemetry import Silence
from tests.e2e.bundle import ELEMENT, Bundle, close

PATIENTS = 120
OUTAGE_S = 18.0
CHUNK_SIZE = 20
QUOTA = {"quota": 1500, "quotaWindowS": 3}
"""Points and seconds of a window; a twentieth of the points is the reserve."""

_TIMES = {
    "DualWriteTimeoutS": "12",
    "BackfillTimeoutS": "12",
    "EventsVisibilityS": "6",
    "ChunksVisibilityS": "6",
    "LeaseS": "6",
    "MaxReceiveCount": "60",
    "DeadLetterVisibilityS": "2",
    "QuotaReserve": "75",
    "PageSize": "50",
}
_PLENTY = 10**9
_KEYS = {"patients": ("patient_data", "pid"), "practitioners": ("users", "id")}
_CHANGE = sa.text("UPDATE patient_data SET postal_code = :code WHERE pid = :key")
_EVER = sa.text("SELECT record_key FROM medplum_version WHERE element = :element")


@dataclass(frozen=True, slots=True)
class Clinic:
    """A deployed stack, and the legacy database that it reads."""

    stage: Stage
    bundle: Bundle
    engine: sa.Engine
    base: str

    def begin(self, *phases: tuple[str, Phase]) -> None:
        """Empty Medplum, tables and queues, and let every change be written."""
        self.bundle.reset()
        self.bundle.medplum.limit(quota=_PLENTY)
        for element, phase in phases or tuple((name, Phase.DUAL_WRITE) for name in ELEMENTS):
            self.bundle.set_phase(phase, element)

    def heal(self) -> None:
        """End every fault of Medplum."""
        self.bundle.medplum.heal()
        self.bundle.medplum.limit(quota=_PLENTY)

    def keys(self, element: str = ELEMENT) -> list[str]:
        """Tell the keys of all records that are or were."""
        table, key = _KEYS[element]
        with self.engine.connect() as connection:
            there = connection.scalars(sa.text(f"SELECT {key} FROM {table}")).all()  # noqa: S608 because both are ours
            ever = connection.scalars(_EVER, {"element": element}).all()
        return sorted({*map(str, there), *map(str, ever)}, key=int)

    def patients(self) -> list[str]:
        """Tell the keys of the patients that exist."""
        with self.engine.connect() as connection:
            found = connection.scalars(sa.text("SELECT pid FROM patient_data ORDER BY pid"))
            return list(map(str, found))

    def execute(self, statement: str, **values: object) -> None:
        """Write to the legacy database, in a transaction of its own."""
        with write_transaction(self.engine) as connection:
            connection.execute(sa.text(statement), values)

    def events(
        self, keys: Sequence[str], *, element: str = ELEMENT, images: bool = False
    ) -> list[ChangeEvent]:
        """Tell of records as they are now."""
        found = self.bundle.wired.legacy.read(element, keys)
        return [_event(element, record, images=images) for record in found]

    def everything(self, *, images: bool = False) -> list[ChangeEvent]:
        """Tell of every record of both elements as it is now."""
        return [
            event
            for element in ELEMENTS
            for event in self.events(self.keys(element), element=element, images=images)
        ]

    def change(
        self, keys: Sequence[str], *, times: int = 1, images: bool = False, seed: int = 1
    ) -> list[ChangeEvent]:
        """Update records one after the other; tell each change, in a random order."""
        events: list[ChangeEvent] = []
        for turn in range(times):
            with write_transaction(self.engine) as connection:
                code = f"{seed % 100:02}{turn % 1000:03}"
                connection.execute(_CHANGE, [{"key": key, "code": code} for key in keys])
            events += self.events(keys, images=images)
        return shuffled(events, seed=seed)

    def calm(self) -> None:
        """Bring Medplum up to the legacy database, on a good day."""
        self.bundle.send(self.everything())
        self.bundle.wait_until_idle()

    @contextmanager
    def copying(self) -> Iterator[None]:
        """Backfill while the block runs, and to the end."""
        failed: list[BaseException] = []

        def copy() -> None:
            try:
                self.bundle.backfill(*ELEMENTS, chunk_size=CHUNK_SIZE)
            except BaseException as error:  # noqa: BLE001 because the test shall fail with it
                failed.append(error)

        thread = threading.Thread(target=copy)
        thread.start()
        try:
            yield
        finally:
            thread.join()
        assert [] == failed

    @contextmanager
    def tries(self, deliveries: int) -> Iterator[None]:
        """Let an event be a dead letter after so many deliveries."""
        sqs, url = self.bundle.aws.client("sqs"), self.bundle.outputs["EventsQueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        before = told["Attributes"]
        policy = {**json.loads(before["RedrivePolicy"]), "maxReceiveCount": deliveries}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy)})
        yield
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)

    @contextmanager
    def environment(self, function: str, **values: str) -> Iterator[None]:
        """Start a function's processes anew with more in their environment, and again without."""
        client, name = (
            self.bundle.aws.client("lambda"),
            self.bundle.outputs[f"{function}FunctionName"],
        )
        before = client.get_function_configuration(FunctionName=name)["Environment"]
        during = {"Variables": {**before["Variables"], **values}}
        client.update_function_configuration(FunctionName=name, Environment=during)
        yield
        client.update_function_configuration(FunctionName=name, Environment=before)

    @contextmanager
    def closed_gate(self) -> Iterator[None]:
        """Let events wait in the queue, as if no function had any concurrency left."""
        client, name = (
            self.bundle.aws.client("lambda"),
            self.bundle.outputs["DualWriteFunctionName"],
        )
        [fed] = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        client.update_event_source_mapping(UUID=fed["UUID"], Enabled=False)
        yield
        client.update_event_source_mapping(UUID=fed["UUID"], Enabled=True)

    def held_back(self) -> dict[str, str]:
        """Tell which records are in quarantine, and why."""
        entries = (e for name in ELEMENTS for e in self.bundle.wired.quarantine.entries(name))
        return {entry.key: entry.code for entry in entries}

    def assert_closed(self, held_back: Mapping[str, str] | None = None) -> None:
        """Both sides are equal, every record has one end, and only what should be is held back."""
        wanted = held_back or {}
        wired = self.bundle.wired
        refused = {(key, Finding.MISSING) for key, code in wanted.items() if code == "Refused"}
        found = [wired.reconcile(element)() for element in ELEMENTS]
        balances = [
            balance_of(element, wired.manifest, eligible=len(self.keys(element)))
            for element in ELEMENTS
        ]
        dead = [self.bundle.messages(f"{name}DeadLetterQueueUrl") for name in ("Events", "Chunks")]

        assert wanted == self.held_back()
        assert refused == {(d.key, d.finding) for one in found for d in one.differences}
        assert [0, 0] == [one.findings[Finding.LAGGING] for one in found]
        assert [0, 0] == [balance.open for balance in balances], balances
        assert [0, 0] == dead


@contextmanager
def clinic_of(stage: Stage, folder: Path) -> Iterator[Clinic]:
    """Deploy a stack with the scaled times beside the other, and a clinic of its own."""
    assert stage.embedded
    path, base = folder / "clinic.db", f"https://example.org/{uuid4().hex[:8]}"
    create_clinic(path, patients=PATIENTS, seed=3, odd_share=0)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stage.aws.environment().items():
            patch.setenv(name, value)
        bundle = _deploy(stage, path, base)
    engine = clinic_engine(path)
    own = replace(stage, folder=folder, clinic=path, outputs=bundle.outputs, wired=bundle.wired)
    yield Clinic(own, bundle, engine, base)
    stage.embedded.reset()
    engine.dispose()
    close(bundle.wired)


@contextmanager
def beside(clinic: Clinic) -> Iterator[Clinic]:
    """Deploy a second stack over the same clinic and the same Medplum."""
    bundle = _deploy(clinic.stage, clinic.stage.clinic, clinic.base)
    for element in ELEMENTS:
        bundle.set_phase(Phase.DUAL_WRITE, element)
    stage = replace(clinic.stage, outputs=bundle.outputs, wired=bundle.wired)
    yield Clinic(stage, bundle, clinic.engine, clinic.base)
    close(bundle.wired)


def _deploy(stage: Stage, clinic: Path, base: str) -> Bundle:
    """Deploy a stack that reads a clinic; `base` begins its identifier systems."""
    assert stage.embedded
    stack = f"bad-day-{uuid4().hex[:8]}"
    medplum = {"client_id": stage.medplum.client_id, "client_secret": stage.medplum.client_secret}
    legacy = {"dsn": f"sqlite:///{clinic}"}
    places = {
        "MedplumBaseUrl": stage.medplum.base_url,
        "MedplumSecretArn": create_secret(stage.aws, f"medplum-{stack}", medplum),
        "LegacySecretArn": create_secret(stage.aws, f"legacy-{stack}", legacy),
        "IdentifierBase": base,
        "ScheduleState": "DISABLED",
    }
    outputs = deploy(stage.aws, {**PARAMETERS, **_TIMES, **places}, name=stack)
    wired = Wiring(Settings(**stack_settings(stack)), Silence())
    return Bundle(stage.aws, stage.embedded, outputs, wired)


def shuffled(events: Sequence[ChangeEvent], *, seed: int = 1) -> list[ChangeEvent]:
    """Put events in a random order, the same for the same seed."""
    return random.Random(seed).sample(events, len(events))


def thin(events: Sequence[ChangeEvent]) -> list[ChangeEvent]:
    """Leave their images out."""
    return [event.model_copy(update={"image": None}) for event in events]


def _event(element: str, record: LegacyRecord, *, images: bool) -> ChangeEvent:
    return ChangeEvent(
        element=element,
        key=record.key,
        version=record.version,
        operation=Operation.UPSERT if record.row is not None else Operation.DELETE,
        image=dict(record.row) if images and record.row is not None else None,
    )
