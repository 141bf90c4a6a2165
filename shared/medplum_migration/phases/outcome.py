"""What became of one change: how it ended, at which version, and where it went."""

from dataclasses import dataclass
from enum import StrEnum

from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.checkpoint import Disposition
from medplum_migration.domain.errors import (
    ConfigurationError,
    MigrationError,
    RefusedError,
    TransientError,
)
from medplum_migration.ports.manifest import ResourceRef


class Outcome(StrEnum):
    """How a change ended; only a deferred one is delivered again.

    written: Medplum was changed. current: Medplum held exactly this version. superseded: Medplum
    held a newer one. rejected: Medplum refused it. quarantined: it cannot be applied.
    """

    WRITTEN = "written"
    CURRENT = "current"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    DEFERRED = "deferred"

    @property
    def disposition(self) -> Disposition | None:
        """The record's end in the balance; None while it is deferred."""
        return _DISPOSITIONS.get(self)


_DISPOSITIONS = {
    Outcome.WRITTEN: Disposition.SUCCESSFUL,
    Outcome.CURRENT: Disposition.SUCCESSFUL,
    Outcome.SUPERSEDED: Disposition.SKIPPED,
    Outcome.REJECTED: Disposition.REJECTED,
    Outcome.QUARANTINED: Disposition.QUARANTINED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One change and its end; `version` is the one that decided, never below the change's own."""

    change: ChangeEvent
    outcome: Outcome
    version: int
    deleted: bool = False
    resources: tuple[ResourceRef, ...] = ()
    content_hash: str = ""
    error: MigrationError | None = None


def failed(change: ChangeEvent, error: MigrationError, version: int | None = None) -> Applied:
    """End a change with an error, as who acts next demands.

    A configuration error is nobody's record: once it is mended, the record comes again.
    """
    outcome = Outcome.QUARANTINED
    if isinstance(error, TransientError | ConfigurationError):
        outcome = Outcome.DEFERRED
    elif isinstance(error, RefusedError):
        outcome = Outcome.REJECTED
    return Applied(
        change=change,
        outcome=outcome,
        version=change.version if version is None else version,
        deleted=change.operation is Operation.DELETE,
        error=error,
    )
