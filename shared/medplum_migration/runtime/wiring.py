"""The composition root: settings in, phases with their adapters out; everything is made once.

Heavy libraries are imported where they are first needed, so that a function pays only for its own.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any

from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.ports.checkpoints import Checkpoints
from medplum_migration.ports.clock import Clock
from medplum_migration.ports.fhir_store import FhirStore
from medplum_migration.ports.legacy import LegacyStore
from medplum_migration.ports.manifest import Manifest
from medplum_migration.ports.quarantine import Quarantine
from medplum_migration.ports.queues import Queue
from medplum_migration.ports.telemetry import Telemetry
from medplum_migration.runtime import registry, secrets
from medplum_migration.runtime.aws import aws_client
from medplum_migration.runtime.settings import Settings, settings

if TYPE_CHECKING:
    from medplum_migration.adapters.local_queue import LocalQueue
    from medplum_migration.adapters.table import Table
    from medplum_migration.phases.backfill import Backfill
    from medplum_migration.phases.dual_write import DualWrite
    from medplum_migration.phases.parked import Parked
    from medplum_migration.phases.quarantine import QuarantineDeadLetters
    from medplum_migration.phases.schedule_work import ScheduleWork
    from medplum_migration.phases.steer_backfill import SteerBackfill
    from medplum_migration.phases.steer_quarantine import SteerQuarantine
    from medplum_migration.phases.target import Target
    from medplum_migration.verification.reconcile import Reconcile


class Wiring:
    """Ports and phases for one set of settings; each is made when it is first asked for."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self.settings = settings
        self.telemetry = telemetry
        self._open = ExitStack()

    def close(self) -> None:
        """Close what was opened: connections to Medplum, the legacy store and the state file."""
        self._open.close()

    def on_close(self, close: Callable[[], object]) -> None:
        """Have something else closed too."""
        self._open.callback(close)

    @cached_property
    def elements(self) -> dict[str, Mapping[Any]]:
        """The fork's mappings, in load order."""
        return registry.elements(self.settings.elements, self.settings.identifier_base)

    @cached_property
    def clock(self) -> Clock:
        """The machine's clock."""
        from medplum_migration.adapters.system_clock import SystemClock

        return SystemClock()

    @cached_property
    def legacy(self) -> LegacyStore:
        """The fork's legacy store."""
        opener = registry.open_legacy_store(self.settings.legacy_store)
        store = opener(secrets.legacy_dsn(self.settings))
        self._open.callback(getattr(store, "close", _nothing))
        return store

    @cached_property
    def fhir(self) -> FhirStore:
        """The Medplum server."""
        from medplum_migration.adapters.loading import Auto, Batches, SingleRequests
        from medplum_migration.adapters.medplum_http import (
            MedplumHttp,
            client_credentials,
            medplum_client,
        )

        base_url = self.settings.require("medplum_base_url")
        ask = partial(secrets.medplum_credentials, self.settings)
        auth = client_credentials(base_url, ask, clock=self.clock)
        loading = {"auto": Auto, "single": SingleRequests, "batch": Batches}[self.settings.loading]
        client = self._open.enter_context(medplum_client(base_url, auth))
        return MedplumHttp(client, clock=self.clock, loading=loading())

    @cached_property
    def checkpoints(self) -> Checkpoints:
        """The control table."""
        from medplum_migration.adapters.control_table import ControlTable

        return ControlTable(self._table("control_table"))

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest, in the manifest table."""
        from medplum_migration.adapters.manifest_table import ManifestTable

        return ManifestTable(self._table("manifest_table"))

    @cached_property
    def quarantine(self) -> Quarantine:
        """Quarantine, in the manifest table."""
        from medplum_migration.adapters.quarantine_table import QuarantineTable

        return QuarantineTable(self._table("manifest_table"))

    @cached_property
    def events(self) -> Queue[ChangeEvent]:
        """The queue of change events."""
        if self.settings.state_path is not None:
            return self.local_events
        from medplum_migration.adapters.sqs_queue import SqsQueue

        url = self.settings.require("events_queue_url")
        return SqsQueue[ChangeEvent](aws_client("sqs"), url, clock=self.clock)

    @cached_property
    def tasks(self) -> Queue[ChunkTask]:
        """The queue of chunk tasks."""
        if self.settings.state_path is not None:
            return self.local_tasks
        from medplum_migration.adapters.sqs_queue import SqsQueue

        url = self.settings.require("chunks_queue_url")
        return SqsQueue[ChunkTask](aws_client("sqs"), url, clock=self.clock)

    @cached_property
    def local_events(self) -> "LocalQueue[ChangeEvent]":
        """Change events of a run without AWS."""
        from medplum_migration.adapters.local_queue import LocalQueue

        return LocalQueue(self.clock)

    @cached_property
    def local_tasks(self) -> "LocalQueue[ChunkTask]":
        """Chunk tasks of a run without AWS."""
        from medplum_migration.adapters.local_queue import LocalQueue

        return LocalQueue(self.clock)

    @cached_property
    def target(self) -> "Target":
        """What the write protocol works on."""
        from medplum_migration.fhir.strict import validate
        from medplum_migration.phases.references import Crosswalk
        from medplum_migration.phases.target import Claims, Target

        accounts = tuple(filter(None, self.settings.accounts.split(",")))
        systems = {name for mapping in self.elements.values() for name in mapping.systems}
        return Target(
            fhir=self.fhir,
            legacy=self.legacy,
            manifest=self.manifest,
            quarantine=self.quarantine,
            clock=self.clock,
            telemetry=self.telemetry,
            validate=partial(validate, own_systems=systems, us_core=self.settings.us_core),
            source=self.settings.source_name,
            hash_key=secrets.hash_key(self.settings),
            elements=self.elements,
            checkpoints=self.checkpoints,
            crosswalk=Crosswalk(self.elements, self.fhir, source=self.settings.source_name),
            claims=Claims(accounts, profiles=self.settings.claim_profiles),
        )

    @cached_property
    def dual_write(self) -> "DualWrite":
        """Phase 1."""
        from medplum_migration.phases.dual_write import DualWrite

        return DualWrite(
            elements=self.elements,
            checkpoints=self.checkpoints,
            target=self.target,
            page_size=self.settings.page_size,
        )

    @cached_property
    def schedule_work(self) -> "ScheduleWork":
        """Phase 2, scheduling."""
        from medplum_migration.phases.schedule_work import ScheduleWork

        return ScheduleWork(
            elements=self.elements,
            checkpoints=self.checkpoints,
            legacy=self.legacy,
            tasks=self.tasks,
            clock=self.clock,
            telemetry=self.telemetry,
            parked=self.parked,
            in_flight=self.settings.chunks_in_flight,
            patience_s=self.settings.lease_s,
        )

    @cached_property
    def parked(self) -> "Parked":
        """Records that wait for a parent."""
        from medplum_migration.phases.parked import Parked

        return Parked(
            quarantine=self.quarantine,
            manifest=self.manifest,
            checkpoints=self.checkpoints,
            events=self.events,
        )

    @cached_property
    def backfill(self) -> "Backfill":
        """Phase 2, work."""
        from medplum_migration.phases.backfill import Backfill

        return Backfill(
            elements=self.elements,
            checkpoints=self.checkpoints,
            tasks=self.tasks,
            target=self.target,
            page_size=self.settings.page_size,
            lease_s=self.settings.lease_s,
            quota_reserve=self.settings.quota_reserve,
        )

    @cached_property
    def steer_backfill(self) -> "SteerBackfill":
        """An operator's hand on backfills."""
        from medplum_migration.phases.steer_backfill import SteerBackfill

        return SteerBackfill(checkpoints=self.checkpoints, clock=self.clock)

    @cached_property
    def dead_letters(self) -> "QuarantineDeadLetters":
        """The end of the dead-letter queues."""
        from medplum_migration.phases.quarantine import QuarantineDeadLetters

        return QuarantineDeadLetters(
            quarantine=self.quarantine,
            manifest=self.manifest,
            clock=self.clock,
            telemetry=self.telemetry,
            hash_key=secrets.hash_key(self.settings),
        )

    @cached_property
    def steer_quarantine(self) -> "SteerQuarantine":
        """An operator's hand on quarantine."""
        from medplum_migration.phases.steer_quarantine import SteerQuarantine

        return SteerQuarantine(
            quarantine=self.quarantine,
            manifest=self.manifest,
            checkpoints=self.checkpoints,
            events=self.events,
            clock=self.clock,
        )

    def reconcile(self, element: str) -> "Reconcile":
        """Comparison of one element."""
        from medplum_migration.verification.reconcile import Reconcile

        return Reconcile(
            mapping=self.elements[element],
            legacy=self.legacy,
            fhir=self.fhir,
            quarantine=self.quarantine,
            crosswalk=self.target.crosswalk,
            validate=self.target.validate,
            source=self.settings.source_name,
            page_size=self.settings.page_size,
        )

    def _table(self, setting: str) -> "Table":
        if self.settings.state_path is not None:
            from medplum_migration.adapters.sqlite_table import SqliteTable

            table = SqliteTable.open(self.settings.state_path, setting)
            self._open.callback(table.close)
            return table
        from medplum_migration.adapters.dynamodb_table import DynamoDbTable

        name = self.settings.require(setting)
        return DynamoDbTable(aws_client("dynamodb"), name)


def _nothing() -> None:
    """Close nothing: a fork's store need not have anything open."""


@cache
def wiring() -> Wiring:
    """Wire a Lambda function from its environment."""
    from medplum_migration.adapters.powertools_telemetry import PowertoolsTelemetry
    from medplum_migration.runtime.observability import logger, metrics

    return Wiring(settings(), PowertoolsTelemetry(logger, metrics))
