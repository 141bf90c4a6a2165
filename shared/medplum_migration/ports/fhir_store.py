"""The FHIR server: search by identifier, guarded writes, sweeps for verification."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.identity import Identifier


@dataclass(frozen=True, slots=True)
class ConditionalCreate:
    """`POST` with `If-None-Exist: identifier=…` (https://hl7.org/fhir/R4/http.html#ccreate)."""

    identifier: Identifier
    body: Resource


@dataclass(frozen=True, slots=True)
class GuardedUpdate:
    """`PUT` by id with `If-Match: W/"<version id>"` (https://hl7.org/fhir/R4/http.html#concurrency)."""

    resource_id: str
    version_id: str
    body: Resource


Write: TypeAlias = ConditionalCreate | GuardedUpdate


class WriteStatus(StrEnum):
    """What became of one write.

    conflict: 409, 412 or a resource that another worker created first: read again and start over.
    unknown: no answer, or an infrastructure failure: it may or may not be stored; start over.
    throttled: not stored, the quota is used up. refused: not stored, for what the body contains.
    """

    CREATED = "created"
    UPDATED = "updated"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    THROTTLED = "throttled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The server's answer to one write, without anything the resource contains.

    `resource_id` and `version_id` are set when it is stored. `reason` is an OperationOutcome issue
    code and `path` its expression.
    """

    status: WriteStatus
    resource_id: str = ""
    version_id: str = ""
    http_status: int = 0
    reason: str = ""
    path: str = ""
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Quota:
    """The server's `RateLimit` header: FHIR interaction points left, seconds until they return."""

    remaining: int
    resets_in_s: float


class FhirStore(Protocol):
    """A FHIR R4 server; search is never answered from a cache.

    `find` and `sweep` raise `UnavailableError` and `ThrottledError`; `write` answers per entry.
    """

    def find(self, resource_type: str, identifiers: Sequence[Identifier]) -> list[Resource]:
        """Search for all live resources that carry one of the identifiers."""

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Execute independent writes; one result each, in order."""

    def sweep(self, resource_type: str, *, system: str) -> Iterator[list[Resource]]:
        """Page through all live resources with an identifier of `system`, by `_lastUpdated`."""

    def quota(self) -> Quota | None:
        """Tell the budget as of the last answer; None when the server has not said."""

    def points_spent(self) -> int:
        """Tell the quota points spent by this adapter's requests so far, by Medplum's list."""
