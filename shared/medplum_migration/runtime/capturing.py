"""Capture and the relay, wired: settings in, the fork's capture and outbox with our queue out."""

from functools import cache
from typing import TYPE_CHECKING

from medplum_migration.runtime import registry, secrets
from medplum_migration.runtime.wiring import Wiring

if TYPE_CHECKING:
    from medplum_migration.phases.relay_changes import RelayChanges
    from medplum_migration.ports.capture import Capture


def capture(wired: Wiring) -> "Capture":
    """Open capture, by a user who may create triggers if there is one."""
    opener = registry.open_capture(wired.settings.legacy_store)
    opened = opener(secrets.capture_dsn(wired.settings))
    wired.on_close(getattr(opened, "close", _nothing))
    return opened


@cache
def relay_changes(wired: Wiring) -> "RelayChanges":
    """Phase 1, publishing."""
    from medplum_migration.phases.relay_changes import RelayChanges

    opener = registry.open_outbox(wired.settings.legacy_store)
    outbox = opener(secrets.legacy_dsn(wired.settings))
    wired.on_close(getattr(outbox, "close", _nothing))
    return RelayChanges(
        outbox=outbox, events=wired.events, clock=wired.clock, telemetry=wired.telemetry
    )


def _nothing() -> None:
    """Close nothing: what a fork opens need not have anything open."""
