"""Ports that ask a tape: a recorded result comes back at once, a new call ends the run."""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from medplum_migration.adapters.table import Body, Item
from medplum_migration.domain.data_element import LegacyRecord, Resource
from medplum_migration.domain.errors import ConflictError, UnavailableError
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.fhir_store import Quota, Write, WriteResult, WriteStatus


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a port's method."""

    port: str
    method: str
    args: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.port}.{self.method}"


class Pending(BaseException):
    """The worker stands before a call that has not been answered yet."""

    def __init__(self, call: Call) -> None:
        super().__init__(str(call))
        self.call = call


@dataclass(frozen=True, slots=True)
class Refused:
    """The result of a call that lost a compare-and-set."""

    reason: str


@dataclass(frozen=True, slots=True)
class Away:
    """The result of a call that a store did not answer."""


@dataclass(slots=True)
class Tape:
    """What the calls of one worker have returned, as pickles; `now` and `name` are its own."""

    results: Sequence[bytes] = ()
    now: float = 0.0
    name: str = ""
    position: int = field(default=0, init=False)

    def ask(self, port: str, method: str, *args: Any) -> Any:  # noqa: ANN401 because ports differ
        """Return the next recorded result, or stop the run at this call."""
        if self.position == len(self.results):
            raise Pending(Call(port, method, args))
        result = pickle.loads(self.results[self.position])  # noqa: S301 because we pickled it
        self.position += 1
        if isinstance(result, Refused):
            raise ConflictError(result.reason)
        if isinstance(result, Away):
            reason = "the store does not answer"
            raise UnavailableError(reason)
        return result


class TapedFhirStore:
    """Port `FhirStore`; each write of a list is a call of its own, for each is a request."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def find(self, resource_type: str, identifiers: Sequence[Identifier]) -> list[Resource]:
        """Search for all live resources that carry one of the identifiers."""
        found: list[Resource] = self._tape.ask("fhir", "find", resource_type, tuple(identifiers))
        return found

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Execute writes one by one; a throttled one throttles all after it."""
        results: list[WriteResult] = []
        for write in writes:
            if results and results[-1].status is WriteStatus.THROTTLED:
                results.append(results[-1])
            else:
                results.append(self._tape.ask("fhir", "write", write))
        return results

    def sweep(self, resource_type: str, *, system: str) -> Iterator[list[Resource]]:
        """Page through all live resources of a system; no worker does."""
        yield self._tape.ask("fhir", "sweep", resource_type, system)

    def remove(self, resource_type: str, resource_id: str) -> None:
        """Delete a resource, as only broken protocols do."""
        self._tape.ask("fhir", "remove", resource_type, resource_id)

    def put(self, body: Resource) -> WriteResult:
        """Create or replace by identifier without looking, as only broken protocols do."""
        result: WriteResult = self._tape.ask("fhir", "put", body)
        return result

    def quota(self) -> Quota | None:
        """Tell no quota."""
        return None

    def points_spent(self) -> int:
        """Count nothing."""
        return 0


class TapedLegacyStore:
    """Port `LegacyStore`."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def read(self, element: str, keys: Sequence[str]) -> list[LegacyRecord]:
        """Read records by key."""
        found: list[LegacyRecord] = self._tape.ask("legacy", "read", element, tuple(keys))
        return found

    def page(
        self, element: str, *, after: str | None, upto: str | None, limit: int
    ) -> list[LegacyRecord]:
        """Read records in key order."""
        found: list[LegacyRecord] = self._tape.ask("legacy", "page", element, after, upto, limit)
        return found

    def deletions(
        self, element: str, *, after: str | None, limit: int
    ) -> tuple[list[LegacyRecord], str | None]:
        """Read deleted records."""
        found: tuple[list[LegacyRecord], str | None] = self._tape.ask(
            "legacy", "deletions", element, after, limit
        )
        return found

    def boundary(self, element: str, *, after: str | None, size: int) -> tuple[str, int] | None:
        """Find the end of a chunk."""
        found: tuple[str, int] | None = self._tape.ask("legacy", "boundary", element, after, size)
        return found

    def count(self, element: str) -> int:
        """Count the records that exist."""
        number: int = self._tape.ask("legacy", "count", element)
        return number

    def captures(self, element: str) -> bool:
        """Tell that capture is on, as it must be."""
        del element
        return True

    def columns(self, element: str) -> frozenset[str]:
        """Name the columns of the element's table."""
        names: frozenset[str] = self._tape.ask("legacy", "columns", element)
        return names


class TapedTable:
    """A document table below the control table or the manifest."""

    def __init__(self, tape: Tape, name: str) -> None:
        self._tape, self._name = tape, name

    def get(self, pk: str, sk: str) -> Item | None:
        """Read one item."""
        item: Item | None = self._tape.ask(self._name, "get", pk, sk)
        return item

    def put(self, pk: str, sk: str, body: Body, *, expected_revision: int) -> Item:
        """Store a document over the revision that was read."""
        item: Item = self._tape.ask(self._name, "put", pk, sk, body, expected_revision)
        return item

    def put_if_newer(self, items: Sequence[Item]) -> list[Item | None]:
        """Store items whose order is not below the stored one."""
        return [self._tape.ask(self._name, "put_if_newer", item) for item in items]

    def delete(self, pk: str, sk: str, *, expected_revision: int) -> None:
        """Remove the item at the revision that was read."""
        self._tape.ask(self._name, "delete", pk, sk, expected_revision)

    def query(self, pk: str, *, sk_prefix: str = "") -> Iterator[Item]:
        """Read the items of one partition."""
        yield from self._tape.ask(self._name, "query", pk, sk_prefix)

    def scan(self, *, pk_prefix: str) -> Iterator[Item]:
        """Read all items of some partitions."""
        yield from self._tape.ask(self._name, "scan", pk_prefix)


class TapedQueue:
    """Port `Queue`."""

    def __init__(self, tape: Tape, name: str) -> None:
        self._tape, self._name = tape, name

    def send(self, messages: Sequence[Any], *, delay_s: int = 0) -> None:
        """Enqueue messages; a delay is any time."""
        del delay_s
        self._tape.ask(self._name, "send", tuple(messages))


class TapedClock:
    """A clock that stands still while a worker runs."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def now(self) -> float:
        """Tell the time at which the worker began."""
        return self._tape.now

    def pause(self, seconds: float) -> None:
        """Let nothing pass: anything may happen between two calls anyway."""


class Silence:
    """Telemetry that nobody reads."""

    def event(self, name: str, /, **fields: str | float) -> None:
        """Say nothing."""

    def problem(self, name: str, /, **fields: str | float) -> None:
        """Say nothing."""

    def count(self, metric: str, value: float, /, **dimensions: str) -> None:
        """Say nothing."""
