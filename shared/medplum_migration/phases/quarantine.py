"""The end of the dead-letter queues: dead letters in, quarantine entries out."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.checkpoint import ChunkTask, Disposition
from medplum_migration.domain.envelopes import read_message
from medplum_migration.domain.errors import EventError
from medplum_migration.domain.identity import keyed_hash
from medplum_migration.phases.deferral import count_held_back
from medplum_migration.phases.dual_write import Message
from medplum_migration.phases.settle import keep_evidence
from medplum_migration.ports.clock import Clock
from medplum_migration.ports.manifest import Manifest, ManifestEntry
from medplum_migration.ports.quarantine import Quarantine, QuarantineEntry
from medplum_migration.ports.telemetry import Telemetry

GAVE_UP = "DeliveriesExhausted"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineDeadLetters:
    """Turns dead letters into quarantine entries; images are not kept, a replay reads the row."""

    quarantine: Quarantine
    manifest: Manifest
    clock: Clock
    telemetry: Telemetry
    hash_key: bytes

    def __call__(self, messages: Sequence[Message]) -> list[str]:
        """Quarantine a batch; return the ids of messages that must stay in the dead-letter queue.

        These are the messages that cannot be read: the queue is the only place that may hold a body
        of unknown content. Changes of rows stay too: without a version of the record nobody could
        tell when an entry is solved. A lost chunk task needs nothing: the scheduler enqueues its
        chunk again.
        """
        kept: list[str] = []
        for message in messages:
            try:
                told = read_message(message.body)
                events = [item for item in told if isinstance(item, ChangeEvent)]
                for event in events:
                    self._quarantine(event)
                if len(events) < len(told):
                    kept.append(message.message_id)
                    self.telemetry.problem("quarantine.no_event", reason="a change of a row")
            except EventError as error:
                if not _is_chunk_task(message.body):
                    kept.append(message.message_id)
                self.telemetry.problem("quarantine.no_event", reason=str(error))
        return kept

    def _quarantine(self, event: ChangeEvent) -> None:
        """Hold an event back, unless it is known already why its record cannot be applied."""
        known = self.quarantine.get(event.element, event.key)
        if known is not None and known.version >= event.version:
            return
        now = self.clock.now()
        held_back = QuarantineEntry(
            element=event.element,
            key=event.key,
            version=event.version,
            operation=event.operation,
            code=GAVE_UP,
            reason="every delivery of the event failed",
            quarantined_at=now,
        )
        keep_evidence([_evidence(event, now)], [held_back], self.manifest, self.quarantine)
        count_held_back(self.telemetry, [GAVE_UP])
        self.telemetry.problem(
            "quarantine.received",
            element=event.element,
            record_ref=keyed_hash(self.hash_key, event.element, event.key),
            version=event.version,
        )


def _evidence(event: ChangeEvent, now: float) -> ManifestEntry:
    return ManifestEntry(
        element=event.element,
        key=event.key,
        version=event.version,
        mapping_version=0,
        disposition=Disposition.QUARANTINED,
        deleted=event.operation is Operation.DELETE,
        error=GAVE_UP,
        recorded_at=now,
    )


def _is_chunk_task(body: str) -> bool:
    try:
        ChunkTask.model_validate_json(body)
    except ValidationError:
        return False
    return True
