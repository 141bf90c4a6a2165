"""A local worker: chunks of a backfill planned and worked on in this process."""

import math
from collections import Counter

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from medplum_migration.cli.exit_codes import EXIT_INTERRUPTED
from medplum_migration.cli.session import Session
from medplum_migration.cli.show import print_progress
from medplum_migration.cli.terminal import Trouble
from medplum_migration.domain.checkpoint import ChunkStatus, Run, RunStatus
from medplum_migration.domain.errors import (
    ConfigurationError,
    MigrationError,
    UnavailableError,
)
from medplum_migration.domain.phase import Phase

_PATIENCE = 3
"""Pages in a row that may fail because Medplum does not answer."""


def work_here(session: Session, element: str) -> None:
    """Plan and work on chunks in this process until the run is done or paused.

    Raises:
        ConfigurationError: there is no run, or the element has left the phase.
        UnavailableError: Medplum or the legacy store does not answer; progress is kept.

    """
    session.wired.steer_backfill.forget_tasks(element)
    again = session.command(f"backfill work {element} --execute")
    try:
        _Worker(session, element).run()
    except KeyboardInterrupt:
        session.note(f"Interrupted; every finished page is kept. Continue with: {again}")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except MigrationError:
        session.note(f"Stopped; every finished page is kept. Continue with: {again}")
        raise
    print_progress(session, element, as_json=False)
    run = session.wired.checkpoints.run(element)
    if run is not None and run.status is RunStatus.PAUSED:
        session.note(f"Paused. Go on with: {session.command(f'backfill resume {element}')}")


class _Worker:
    def __init__(self, session: Session, element: str) -> None:
        self._session, self._element = session, element
        self._wired = session.wired
        self._setbacks = 0
        self._told: set[str] = set()

    def run(self) -> None:
        """Work until the run is done or paused; the bar is for terminals only."""
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        with Progress(
            *columns,
            TimeRemainingColumn(),
            console=self._session.errors,
            transient=True,
            disable=not self._session.errors.is_terminal,
        ) as bar:
            line = bar.add_task(self._element, total=None)
            while (run := self._latest()).status is RunStatus.RUNNING:
                self._step(run)
                progress = self._wired.steer_backfill.progress(self._element)
                if progress is not None:
                    bar.update(line, total=progress.run.total, completed=progress.balance.eligible)

    def _latest(self) -> Run:
        run = self._wired.checkpoints.run(self._element)
        if run is None:
            reason = "no backfill was started yet"
            raise ConfigurationError(reason, element=self._element)
        phase = self._wired.checkpoints.element(self._element).phase
        if run.status is RunStatus.RUNNING and phase is not Phase.BACKFILL:
            reason = "a backfill goes on in phase backfill only; set it with `phase set`"
            raise ConfigurationError(reason, element=self._element, phase=phase.value)
        return run

    def _step(self, run: Run) -> None:
        self._wired.schedule_work()
        task = self._wired.local_tasks.take()
        if task is None:
            if self._latest().status is RunStatus.RUNNING:
                self._say_who_is_at_work(run)
                self._wired.clock.pause(1)
            return
        self._wired.backfill(task, deadline=math.inf)
        self._judge(self._session.telemetry.drain())

    def _judge(self, troubles: Counter[Trouble]) -> None:
        """Say why a page waits; give up when a setting is wrong or a service stays away."""
        deferred = [trouble for trouble in troubles if trouble.is_deferred]
        away = [trouble for trouble in deferred if trouble.error == _UNAVAILABLE]
        self._setbacks = self._setbacks + 1 if away else 0
        for trouble in deferred:
            self._session.note(f"{trouble.reason}: {troubles[trouble]} records are tried again")
        wrong = next((t for t in deferred if t.error == _CONFIGURATION), None)
        if wrong is not None:
            raise ConfigurationError(wrong.reason)
        if self._setbacks >= _PATIENCE:
            raise UnavailableError(away[0].reason, attempts=self._setbacks)

    def _say_who_is_at_work(self, run: Run) -> None:
        """Explain a wait that this process did not cause."""
        now = self._wired.clock.now()
        for chunk in self._wired.checkpoints.chunks(self._element, run.run_id):
            left_s = chunk.lease_expires_at - now
            if chunk.status is ChunkStatus.RUNNING and left_s > 0 and chunk.lease_token:
                self._say_once(
                    chunk.lease_token,
                    f"Chunk {chunk.number} is leased by another worker, or by one that died;"
                    f" it is free in {left_s:.0f} s at the latest.",
                )

    def _say_once(self, about: str, text: str) -> None:
        if about not in self._told:
            self._told.add(about)
            self._session.note(text)


_UNAVAILABLE, _CONFIGURATION = UnavailableError("").code, ConfigurationError("").code
