"""What the audience sees: one table, redrawn; or a line now and then when nobody watches."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from medplum_migration.domain.checkpoint import RunStatus
from sandbox.clinic.database import clinic_engine
from sandbox.demo.saboteur import Saboteur
from sandbox.demo.stage import ELEMENTS, Stage

_LINE_EVERY_S = 5.0
_PATIENCE_S = 300.0
_QUEUES = ("EventsQueueUrl", "EventsDeadLetterQueueUrl")
_UNPUBLISHED = sa.text("SELECT COUNT(*) FROM medplum_outbox")


class StalledError(Exception):
    """Nothing moved for a long time."""


@dataclass(slots=True)
class Patience:
    """Ends when the same thing is seen for five minutes."""

    _seen: object = None
    _since: float = 0.0

    def look(self, seen: object, what: str) -> None:
        """Look again.

        Raises:
            StalledError: it has not changed for too long.

        """
        now = time.monotonic()
        if seen != self._seen:
            self._seen, self._since = seen, now
        elif now - self._since > _PATIENCE_S:
            message = f"{what} did not move for {_PATIENCE_S:.0f} s"
            raise StalledError(message)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is told at one moment; rate and ETA are those of the last element."""

    phase: str
    total: int
    done: int
    rate: float
    eta_s: float | None
    is_over: bool
    quota_points: int
    waiting: int
    quarantined: int
    killed: int

    def line(self) -> str:
        """Tell it in a line of a narrow terminal."""
        eta = "?" if self.eta_s is None else f"{self.eta_s:.0f} s"
        return (
            f"{self.done:5} of {self.total}, {self.rate:.0f}/s, ETA {eta}; "
            f"{self.waiting} events, {self.quarantined} quarantined, {self.killed} killed"
        )

    def table(self) -> Table:
        """Tell it in a table."""
        table = Table(title="Medplum migration", show_header=False, min_width=64)
        bar = ProgressBar(total=max(self.total, 1), completed=self.done, width=32)
        table.add_row("phase", self.phase)
        table.add_row("backfill", bar)
        table.add_row("records", f"{self.done} of {self.total}, {self.rate:.0f} a second")
        table.add_row("ETA", "?" if self.eta_s is None else f"{self.eta_s:.0f} s")
        table.add_row("dual write", f"{self.waiting} events waiting or under way")
        table.add_row("quota", f"{self.quota_points} points spent by the backfill")
        table.add_row("quarantine", f"{self.quarantined} records")
        table.add_row("functions killed", str(self.killed))
        return table


@dataclass(slots=True)
class Camera:
    """Takes snapshots of a stage."""

    stage: Stage
    saboteur: Saboteur
    _sqs: Any = field(init=False)
    _clinic: sa.Engine = field(init=False)

    def __post_init__(self) -> None:
        self._sqs = self.stage.aws.client("sqs")
        self._clinic = clinic_engine(self.stage.clinic)

    def waiting(self) -> int:
        """Count the changes that the relay has not sent, and those queued, in flight or dead."""
        with self._clinic.connect() as connection:
            total = int(connection.execute(_UNPUBLISHED).scalar_one())
        for name in _QUEUES:
            attributes = self._sqs.get_queue_attributes(
                QueueUrl=self.stage.outputs[name], AttributeNames=["All"]
            )["Attributes"]
            kinds = ("", "NotVisible", "Delayed")
            total += sum(int(attributes[f"ApproximateNumberOfMessages{kind}"]) for kind in kinds)
        return total

    def take(self) -> Snapshot:
        """Look at everything."""
        wired = self.stage.wired
        told = list(filter(None, map(wired.steer_backfill.progress, ELEMENTS)))
        phases = {wired.checkpoints.element(element).phase.value for element in ELEMENTS}
        ended = {p.run.element for p in told if p.run.status is RunStatus.DONE}
        return Snapshot(
            phase=", ".join(sorted(phases)),
            # Records that were born after the count make it more.
            total=sum(max(p.balance.eligible, p.run.total or 0) for p in told),
            done=sum(p.balance.eligible for p in told),
            rate=told[-1].rate if told else 0.0,
            eta_s=told[-1].eta_s if told else None,
            is_over=ended == set(ELEMENTS),
            quota_points=sum(p.quota_points for p in told),
            waiting=self.waiting(),
            quarantined=sum(len(list(wired.quarantine.entries(e))) for e in ELEMENTS),
            killed=self.saboteur.killed,
        )


def watch(camera: Camera, console: Console, until: Callable[[Snapshot], bool]) -> None:
    """Show snapshots until one satisfies `until`.

    Raises:
        StalledError: nothing has moved for five minutes.

    """
    snapshot, patience = camera.take(), Patience()
    with Live(snapshot.table(), console=console, transient=True, auto_refresh=False) as live:
        told = time.monotonic()
        while not until(snapshot):
            time.sleep(0.5)
            snapshot = camera.take()
            patience.look((snapshot.done, snapshot.total), "the backfill")
            if console.is_terminal:
                live.update(snapshot.table(), refresh=True)
            elif time.monotonic() - told > _LINE_EVERY_S:
                told = time.monotonic()
                console.print(snapshot.line(), highlight=False, soft_wrap=True)
    console.print(snapshot.line(), highlight=False, soft_wrap=True)
