"""An operator's hand on quarantine: replay what was mended, discard what is accepted as lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import Disposition
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.ports.checkpoints import AuditEntry, Checkpoints
from medplum_migration.ports.clock import Clock
from medplum_migration.ports.manifest import Manifest, ManifestEntry
from medplum_migration.ports.quarantine import Quarantine, QuarantineEntry
from medplum_migration.ports.queues import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class SteerQuarantine:
    """Replays go through the same queue and the same `apply` as every live change."""

    quarantine: Quarantine
    manifest: Manifest
    checkpoints: Checkpoints
    events: Queue[ChangeEvent]
    clock: Clock

    def replay(self, entries: Sequence[QuarantineEntry]) -> None:
        """Enqueue thin events for the entries; each closes itself when its record is applied."""
        self.events.send([entry.as_event() for entry in entries])

    def discard(self, element: str, key: str, *, actor: str, reason: str) -> None:
        """Accept that a version of a record is not migrated; it counts as rejected from now on.

        Raises:
            ConfigurationError: the record is not in quarantine.

        """
        entry = self.quarantine.get(element, key)
        if entry is None:
            message = "the record is not in quarantine"
            raise ConfigurationError(message, element=element)
        now = self.clock.now()
        self.checkpoints.append_audit(
            AuditEntry(element, now, actor, "quarantine.discard", f"{entry.code}: {reason}")
        )
        known = self.manifest.get(element, key)
        self.manifest.record(
            [
                ManifestEntry(
                    element=element,
                    key=key,
                    version=entry.version,
                    mapping_version=known.mapping_version if known else 0,
                    disposition=Disposition.REJECTED,
                    error="Discarded",
                    recorded_at=now,
                )
            ]
        )
        self.quarantine.close(element, key, upto_version=entry.version)
