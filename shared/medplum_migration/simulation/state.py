"""States of a simulated world, and small changes of them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from medplum_migration.simulation.scenario import Budget


class Role(StrEnum):
    """What a worker does."""

    DUAL_WRITER = "dual writer"
    BACKFILLER = "backfiller"


class Worker(NamedTuple):
    """A busy worker: its message, its history, and Medplum as it was when it began."""

    payload: int
    history: int
    medplum: int


Workers: TypeAlias = tuple[Worker | None, ...]


class State(NamedTuple):
    """Everything that may differ: stores and histories by number, messages, what is left to happen.

    `messages` are payloads that wait, `sent` a bit for each payload that ever was one.
    """

    medplum: int
    legacy: int
    manifest: int
    control: int
    messages: tuple[int, ...]
    sent: int
    dual_writers: Workers
    backfillers: Workers
    left: Budget
    ticks: int

    def workers(self, role: Role) -> Workers:
        """Name the workers of one role."""
        return self.dual_writers if role is Role.DUAL_WRITER else self.backfillers

    @property
    def is_idle(self) -> bool:
        """Whether no message waits and nobody works on one."""
        return not (self.messages or any(self.dual_writers) or any(self.backfillers))


class Action(NamedTuple):
    """What happened, for traces: who, and what."""

    who: str
    what: str


def send(state: State, payloads: Iterable[int]) -> State:
    """Put messages into the queue."""
    sent, news = state.sent, list(payloads)
    for payload in news:
        sent |= 1 << payload
    return state._replace(messages=tuple(sorted((*state.messages, *news))), sent=sent)


def put(state: State, role: Role, place: int, worker: Worker | None) -> State:
    """Let a worker be busy, or idle; dual writers are alike, so that their order says nothing."""
    workers: list[Worker | None] = list(state.workers(role))
    workers[place] = worker
    if role is Role.DUAL_WRITER:
        workers.sort(key=lambda w: (w is None, w or ()))
        return state._replace(dual_writers=tuple(workers))
    return state._replace(backfillers=tuple(workers))


def less(left: Budget, **used: int) -> Budget:
    """Take from what may still go wrong."""
    return left._replace(**{name: getattr(left, name) - number for name, number in used.items()})
