"""Parked records: held back because a parent was not in Medplum, tried again once it is."""

from dataclasses import dataclass
from itertools import islice

from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import Disposition
from medplum_migration.ports.checkpoints import Checkpoints
from medplum_migration.ports.manifest import Manifest
from medplum_migration.ports.quarantine import Quarantine, QuarantineEntry
from medplum_migration.ports.queues import Queue

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Looks at up to `most` waiting records of an element in one call."""

    quarantine: Quarantine
    manifest: Manifest
    checkpoints: Checkpoints
    events: Queue[ChangeEvent]
    most: int = 10_000

    def retry(self, element: str) -> int:
        """Enqueue the records whose parent has arrived; return how many.

        Raises:
            UnavailableError: a store did not answer.

        """
        held_back = self.quarantine.entries(element)
        waiting = list(islice((entry for entry in held_back if entry.waits_for), self.most))
        if not waiting or not self.checkpoints.element(element).phase.writes_to_medplum:
            return 0
        due = [entry for entry in waiting if self._has_parent(entry)]
        self.events.send([entry.as_event() for entry in due])
        return len(due)

    def _has_parent(self, entry: QuarantineEntry) -> bool:
        """Whether the parent came after the record was parked, or just before it was."""
        parent = self.manifest.get(entry.waits_for, entry.waits_for_key)
        if parent is None or parent.disposition is not Disposition.SUCCESSFUL:
            return False
        return parent.recorded_at >= entry.quarantined_at or entry.attempts <= _ATTEMPTS
