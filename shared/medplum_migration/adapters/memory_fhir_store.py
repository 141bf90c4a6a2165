"""Port `FhirStore` in memory: answers as Medplum does, and fails when a test asks it to."""

import copy
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from medplum_migration.adapters.memory_resources import MemoryResources, carries
from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import TransientError
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.fhir_store import (
    ConditionalCreate,
    GuardedUpdate,
    Quota,
    Write,
    WriteResult,
    WriteStatus,
)

POINTS_PER_SEARCH, POINTS_PER_WRITE, POINTS_PER_CONDITION = 20, 100, 20


class Fault(StrEnum):
    """What goes wrong with one write; all but `COMMITTED` leave the store unchanged."""

    CONFLICT = "conflict"
    LOST = "lost"
    COMMITTED = "committed"
    THROTTLED = "throttled"
    REFUSED = "refused"


_ANSWERS = {
    Fault.CONFLICT: WriteResult(WriteStatus.CONFLICT, http_status=409, reason="conflict"),
    Fault.LOST: WriteResult(WriteStatus.UNKNOWN),
    Fault.THROTTLED: WriteResult(WriteStatus.THROTTLED, http_status=429, retry_after_s=7.0),
    Fault.REFUSED: WriteResult(
        WriteStatus.REFUSED, http_status=400, reason="invariant", path="Patient.contact"
    ),
}


class MemoryFhirStore:
    """A FHIR server with identifiers compared exactly, If-Match, and versions.

    Counts `requests`, `searches` and `writes`. As on Medplum, an update with equal content makes no
    version, and an update of a deleted resource brings it back whatever its version.
    """

    def __init__(self, *, page_size: int = 1000) -> None:
        self.resources = MemoryResources()
        self.requests = self.searches = self.writes = 0
        self.limit: Quota | None = None
        self._page_size = page_size
        self._points = 0
        self._faults: deque[Fault | None] = deque()
        self._find_errors: deque[TransientError] = deque()
        self._stale: deque[MemoryResources] = deque()
        self._lock = threading.RLock()

    def inject(self, *faults: Fault | None) -> None:
        """Fail the next writes, one fault each; None lets one pass."""
        self._faults.extend(faults)

    def inject_find(self, *errors: TransientError) -> None:
        """Raise these from the next calls of `find`."""
        self._find_errors.extend(errors)

    def hold(self, *, finds: int = 1) -> None:
        """Answer the next `finds` calls of `find` from what is stored now, however old it gets."""
        with self._lock:
            self._stale.extend([copy.copy(self.resources)] * finds)

    def find(self, resource_type: str, identifiers: Sequence[Identifier]) -> list[Resource]:
        """Search for all live resources that carry one of the identifiers."""
        with self._lock:
            self._spend(POINTS_PER_SEARCH)
            self.searches += 1
            if self._find_errors:
                raise self._find_errors.popleft()
            view = self._stale.popleft() if self._stale else self.resources
            return copy.deepcopy(view.find(resource_type, identifiers))

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Execute independent writes; as in a bundle, a throttled one throttles all after it."""
        results: list[WriteResult] = []
        for write in writes:
            if results and results[-1].status is WriteStatus.THROTTLED:
                results.append(results[-1])
            else:
                results.append(self._write(write))
        return results

    def sweep(self, resource_type: str, *, system: str) -> Iterator[list[Resource]]:
        """Page through all live resources with an identifier of `system`, by `_lastUpdated`."""
        with self._lock:
            found = self.resources.with_system(resource_type, system)
        for start in range(0, len(found), self._page_size):
            self._spend(POINTS_PER_SEARCH)
            yield copy.deepcopy(found[start : start + self._page_size])

    def quota(self) -> Quota | None:
        """Tell the budget that the test has set in `limit`."""
        return self.limit

    def points_spent(self) -> int:
        """Tell the quota points spent so far."""
        return self._points

    def _spend(self, points: int) -> None:
        with self._lock:
            self.requests += 1
            self._points += points

    def _write(self, write: Write) -> WriteResult:
        with self._lock:
            self.writes += 1
            fault = self._faults.popleft() if self._faults else None
            if fault in _ANSWERS:
                return _ANSWERS[fault]
            result = self._execute(write)
            return WriteResult(WriteStatus.UNKNOWN) if fault is Fault.COMMITTED else result

    def _execute(self, write: Write) -> WriteResult:
        if isinstance(write, ConditionalCreate):
            return self._create(write)
        return self._update(write)

    def _create(self, write: ConditionalCreate) -> WriteResult:
        if not carries(write.body, write.identifier):
            return _refused("identifier-not-in-body")
        found = self.resources.find(write.body["resourceType"], [write.identifier])
        self._spend(POINTS_PER_CONDITION + (0 if found else POINTS_PER_WRITE))
        if len(found) > 1:
            return _refused("multiple-matches", 412)
        if found:
            return WriteResult(WriteStatus.CONFLICT, http_status=200)
        return _stored(WriteStatus.CREATED, self.resources.create(write.body), 201)

    def _update(self, write: GuardedUpdate) -> WriteResult:
        resource_type, resource_id = write.body["resourceType"], write.resource_id
        self._spend(POINTS_PER_WRITE)
        if not self.resources.history(resource_type, resource_id):
            return WriteResult(WriteStatus.CONFLICT, http_status=404, reason="not-found")
        held = self.resources.get(resource_type, resource_id)
        if held is not None and held["meta"]["versionId"] != write.version_id:
            return WriteResult(WriteStatus.CONFLICT, http_status=412, reason="processing")
        stored = self.resources.update(resource_id, write.body)
        return _stored(WriteStatus.UPDATED, stored, 200)

    def edit(
        self, resource_type: str, resource_id: str, change: Callable[[Resource], None]
    ) -> Resource:
        """Let somebody else change a resource in place."""
        with self._lock:
            body = copy.deepcopy(self.resources.get(resource_type, resource_id) or {})
            change(body)
            return copy.deepcopy(self.resources.update(resource_id, body))

    def seed(self, body: Resource) -> Resource:
        """Let somebody else create a resource, unconditionally."""
        with self._lock:
            return copy.deepcopy(self.resources.create(body))

    def remove(self, resource_type: str, resource_id: str) -> None:
        """Let somebody else delete a resource."""
        with self._lock:
            self.resources.delete(resource_type, resource_id)


def _refused(reason: str, http_status: int = 400) -> WriteResult:
    return WriteResult(WriteStatus.REFUSED, http_status=http_status, reason=reason)


def _stored(status: WriteStatus, stored: Resource, http_status: int) -> WriteResult:
    return WriteResult(
        status,
        resource_id=stored["id"],
        version_id=stored["meta"]["versionId"],
        http_status=http_status,
    )
