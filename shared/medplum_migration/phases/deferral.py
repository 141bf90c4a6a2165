"""Work that did not end well, counted by cause: what alarms look at; the log has the rest.

Both metrics carry the service `any`: functions are not told apart, so that one alarm sees them all.
"""

from collections import Counter
from collections.abc import Iterable

from medplum_migration.domain.errors import (
    ConflictError,
    EventError,
    MigrationError,
    ThrottledError,
    UnansweredError,
)
from medplum_migration.ports.telemetry import Telemetry

ANY = "any"
_MEDPLUMS = (ThrottledError, UnansweredError, ConflictError)


def count_deferred(telemetry: Telemetry, errors: Iterable[MigrationError]) -> None:
    """Count records, events and tasks that come again, by error code and store."""
    causes = Counter((error.code, store_of(error)) for error in errors)
    for (code, store), number in causes.items():
        telemetry.count("WorkDeferred", number, service=ANY, code=code, store=store)


def count_held_back(telemetry: Telemetry, codes: Iterable[str]) -> None:
    """Count records that are rejected or go to quarantine, by error code; a replay counts again."""
    for code, number in Counter(codes).items():
        telemetry.count("RecordsHeldBack", number, service=ANY, code=code)


def store_of(error: MigrationError) -> str:
    """Tell where an error comes from, as far as an alarm must know.

    Adapters name their service. A legacy store is a fork's own, and need not.
    """
    if "service" in error.fields:
        return str(error.fields["service"])
    if isinstance(error, EventError):
        return "sqs"
    return "medplum" if isinstance(error, _MEDPLUMS) else "legacy"
