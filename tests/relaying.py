"""A relay from a database's outbox to whatever takes events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from medplum_migration.adapters.memory import MemoryTelemetry
from medplum_migration.adapters.sql_outbox import SqlOutbox
from medplum_migration.adapters.system_clock import SystemClock
from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.phases.relay_changes import RelayChanges


@dataclass(frozen=True)
class Sender:
    """Port `Queue` on a function."""

    take: Callable[[Sequence[ChangeEvent]], object]

    def send(self, messages: Sequence[ChangeEvent], *, delay_s: int = 0) -> None:
        """Hand the messages over."""
        assert delay_s == 0
        self.take(messages)


def relay_of(
    engine: sa.Engine, take: Callable[[Sequence[ChangeEvent]], object], *, batch: int = 100
) -> RelayChanges:
    """Make a relay that hands batches to a function."""
    return RelayChanges(
        outbox=SqlOutbox(engine),
        events=Sender(take),
        clock=SystemClock(),
        telemetry=MemoryTelemetry(),
        batch=batch,
    )
