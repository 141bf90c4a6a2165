"""The ports of one set of settings, each with its adapter; made when first asked for.

Heavy libraries are imported where they are first needed, so that a function pays only for its own.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property, partial
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
from medplum_migration.runtime.settings import Settings

if TYPE_CHECKING:
    from medplum_migration.adapters.local_queue import LocalQueue
    from medplum_migration.adapters.table import Table


class WiredPorts:
    """Where a port meets its adapter."""

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
        if self.settings.event_images == "use":
            from medplum_migration.adapters.no_legacy_store import NoLegacyStore

            return NoLegacyStore()
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
