"""Scenarios: what a clinic writes, who works on it, and what may go wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.simulation.process import Work, backfill, dual_write

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Commit:
    """One committed write of the clinic; `row` None is a delete.

    `event` is `thin`, `full`, or empty when nothing is published.
    """

    element: str
    key: str
    row: Row | None
    event: str = "thin"


class Budget(NamedTuple):
    """How often each thing may go wrong in one execution.

    crashes: a worker dies at any call. duplicates: a message is delivered once more while it is
    worked on, and its worker goes on as a zombie. redeliveries: any message ever sent comes again.
    stale: a search answers as of the moment its worker began, or the legacy store by a replica that
    lacks the last commit. faults: a write answers 409, gets no answer and is or is not stored, or
    is throttled. outages: a store does not answer. expiries: leases expire under their workers.
    """

    crashes: int = 0
    duplicates: int = 0
    redeliveries: int = 0
    stale: int = 0
    faults: int = 0
    outages: int = 0
    expiries: int = 0


CALM = Budget()
"""Nothing goes wrong but the order."""


def accept(resource: Resource) -> None:
    """Validate nothing: what is simulated is the protocol."""
    del resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One bounded world.

    `before` was committed before capture began, `commits` come one by one at any time. With
    `chunks` a backfill of every element was started; a chunk has one record. `fenced` is off for
    protocols that write no versions and no manifest: only contents count then. `most` bounds the
    states that are visited.
    """

    name: str
    elements: tuple[ElementMapping[Any], ...]
    before: tuple[Commit, ...] = ()
    commits: tuple[Commit, ...] = ()
    chunks: bool = False
    dual_writers: int = 1
    backfillers: int = 0
    budget: Budget = CALM
    work: Work = dual_write
    chunk_work: Work = backfill
    validate: Callable[[Resource], None] = accept
    fenced: bool = True
    most: int = 2_000_000
