"""How writes are sent: singly or in batches, and which of them at the same time.

A lane is sent in order, lanes at the same time. Creates of one type collide on the server, those of
different types do not; so all creates of a type share a lane.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from medplum_migration.adapters.medplum_requests import Request

MAX_BATCH_BYTES = 900_000
"""Below the 1 MB that Medplum's default `maxJsonSize` takes."""

_FRAME_BYTES = 64

Group: TypeAlias = list[Request]
"""Requests sent together: one alone is a request of its own, several are a batch."""
Lane: TypeAlias = list[Group]


class Loading(Protocol):
    """A strategy; `workers` is how many lanes may be under way."""

    @property
    def workers(self) -> int:
        """How many lanes may be under way."""

    def plan(self, requests: Sequence[Request], *, metered: bool) -> list[Lane]:
        """Arrange requests; `metered` tells whether the server counts FHIR interactions."""


@dataclass(frozen=True, slots=True)
class SingleRequests:
    """A request per write: a create costs 120 points, in a batch 140."""

    workers: int = 4

    def plan(self, requests: Sequence[Request], *, metered: bool) -> list[Lane]:  # noqa: ARG002 because the strategy is fixed
        """Arrange requests."""
        creates, updates = _split(requests)
        lanes = [[[request] for request in group] for group in _by_type(creates)]
        dealt = [updates[n :: self.workers] for n in range(self.workers)]
        return lanes + [[[request] for request in group] for group in dealt if group]


@dataclass(frozen=True, slots=True)
class Batches:
    """Up to `size` writes a request, and never more than `max_bytes`: saves time, not points."""

    size: int = 100
    max_bytes: int = MAX_BATCH_BYTES
    workers: int = 4

    def plan(self, requests: Sequence[Request], *, metered: bool) -> list[Lane]:  # noqa: ARG002 because the strategy is fixed
        """Arrange requests."""
        creates, updates = _split(requests)
        lanes = [list(self._groups(group)) for group in _by_type(creates)]
        groups = list(self._groups(updates))
        dealt = [groups[n :: self.workers] for n in range(self.workers)]
        return lanes + [lane for lane in dealt if lane]

    def _groups(self, requests: Sequence[Request]) -> Iterator[Group]:
        group: Group = []
        size = _FRAME_BYTES
        for request in requests:
            length = len(request.entry()) + 1
            if group and (len(group) == self.size or size + length > self.max_bytes):
                yield group
                group, size = [], _FRAME_BYTES
            group.append(request)
            size += length
        if group:
            yield group


@dataclass(frozen=True, slots=True)
class Auto:
    """Creates singly where points are counted, because points decide there; all else in batches."""

    single: SingleRequests = SingleRequests()
    batches: Batches = Batches()

    @property
    def workers(self) -> int:
        """How many lanes may be under way."""
        return self.batches.workers

    def plan(self, requests: Sequence[Request], *, metered: bool) -> list[Lane]:
        """Arrange requests."""
        creates, updates = _split(requests)
        how: Loading = self.single if metered else self.batches
        return [
            *how.plan(creates, metered=metered),
            *self.batches.plan(updates, metered=metered),
        ]


def _split(requests: Sequence[Request]) -> tuple[list[Request], list[Request]]:
    creates = [request for request in requests if request.is_create]
    return creates, [request for request in requests if not request.is_create]


def _by_type(requests: Sequence[Request]) -> list[list[Request]]:
    groups: dict[str, list[Request]] = {}
    for request in requests:
        groups.setdefault(request.resource_type, []).append(request)
    return list(groups.values())
