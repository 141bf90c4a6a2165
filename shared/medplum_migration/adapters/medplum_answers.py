"""Answers to writes: status and OperationOutcome in, `WriteResult` out, by one table."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from medplum_migration.adapters.medplum_outcome import QUOTA_WINDOW_S, Outcome, outcome_of
from medplum_migration.ports.fhir_store import ConditionalCreate, Write, WriteResult, WriteStatus

_ETAG = re.compile(r'(?:W/)?"([^"]+)"')
_LOCATION = re.compile(r"(?:.*/)?(?P<type>[A-Z]\w+)/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/.*)?")
_DATA_CODES = frozenset(
    {"structure", "invariant", "value", "required", "code-invalid", "extension", "too-long"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, of a request or of an entry of a bundle; status 0 when there is none."""

    status: int = 0
    body: Any = None
    etag: str = ""
    location: str = ""
    retry_after_s: float = QUOTA_WINDOW_S


_Test: TypeAlias = Callable[[Write, Outcome], bool]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table: which answers it covers, what they mean, and why."""

    http: frozenset[int]
    means: WriteStatus
    when: _Test = lambda _write, _outcome: True
    reason: str = ""


def _is_create(write: Write, _outcome: Outcome) -> bool:
    return isinstance(write, ConditionalCreate)


def _is_update(write: Write, outcome: Outcome) -> bool:
    return not _is_create(write, outcome)


def _has_many_matches(_write: Write, outcome: Outcome) -> bool:
    told = outcome.text.casefold()
    return outcome.code == "multiple-matches" or (
        not outcome.has_expression
        and ("multiple resources found" in told or "matched multiple" in told)
    )


def _lost_id_race(_write: Write, outcome: Outcome) -> bool:
    return "did not match resolved id" in outcome.text.casefold()


def _is_too_large(_write: Write, outcome: Outcome) -> bool:
    return outcome.text == "File too large"


def _names_infrastructure(_write: Write, outcome: Outcome) -> bool:
    return outcome.names_infrastructure


def _blames_content(_write: Write, outcome: Outcome) -> bool:
    return outcome.has_expression or outcome.code in _DATA_CODES


_TABLE = (
    _Row(frozenset({201}), WriteStatus.CREATED, _is_create),
    _Row(frozenset({200, 201}), WriteStatus.UPDATED, _is_update),
    _Row(frozenset({200}), WriteStatus.CONFLICT, _is_create, "exists"),
    _Row(frozenset({429}), WriteStatus.THROTTLED),
    _Row(frozenset({409}), WriteStatus.CONFLICT),
    _Row(frozenset({400, 412}), WriteStatus.REFUSED, _has_many_matches, "multiple-matches"),
    _Row(frozenset({412}), WriteStatus.CONFLICT),
    _Row(frozenset({404, 410}), WriteStatus.CONFLICT, _is_update),
    _Row(frozenset({400}), WriteStatus.CONFLICT, _lost_id_race),
    _Row(frozenset({400}), WriteStatus.REFUSED, _is_too_large, "too-long"),
    _Row(frozenset({400}), WriteStatus.UNKNOWN, _names_infrastructure, "infrastructure"),
    _Row(frozenset({400}), WriteStatus.REFUSED, _blames_content),
    _Row(frozenset({403, 404, 405, 410, 413, 415, 422}), WriteStatus.REFUSED),
)
_STORED = {WriteStatus.CREATED, WriteStatus.UPDATED}
_UNREADABLE = _Row(frozenset(), WriteStatus.UNKNOWN)


def classify(write: Write, answer: Answer) -> WriteResult:
    """Read the answer to one write; what the table does not cover is unknown."""
    outcome = outcome_of(answer.body)
    row = next((r for r in _TABLE if answer.status in r.http and r.when(write, outcome)), None)
    row = row or _UNREADABLE
    if row.means in _STORED:
        return _stored(write, answer, row.means)
    throttled = row.means is WriteStatus.THROTTLED
    return WriteResult(
        row.means,
        http_status=answer.status,
        reason=row.reason or outcome.code,
        path=outcome.path,
        retry_after_s=(outcome.retry_after_s or answer.retry_after_s) if throttled else 0.0,
    )


def entry_answer(entry: object, *, retry_after_s: float) -> Answer:
    """Read one entry of a `batch-response`: `{"response": {"status": "201", …}, "resource": …}`."""
    entry = entry if isinstance(entry, dict) else {}
    response = entry.get("response")
    response = response if isinstance(response, dict) else {}
    status = re.match(r"\d{3}", str(response.get("status", "")))
    return Answer(
        status=int(status[0]) if status else 0,
        body=entry.get("resource") or response.get("outcome"),
        etag=str(response.get("etag", "")),
        location=str(response.get("location", "")),
        retry_after_s=retry_after_s,
    )


def _stored(write: Write, answer: Answer, status: WriteStatus) -> WriteResult:
    resource_id, version_id = _identity(answer)
    wanted = resource_id if isinstance(write, ConditionalCreate) else write.resource_id
    if not (resource_id and version_id) or resource_id != wanted:
        return WriteResult(WriteStatus.UNKNOWN, http_status=answer.status, reason="unreadable")
    return WriteResult(status, resource_id, version_id, answer.status)


def _identity(answer: Answer) -> tuple[str, str]:
    """Find id and version id: in the resource, or in `Location` and `ETag`."""
    resource = answer.body if isinstance(answer.body, dict) else {}
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    etag, location = _ETAG.fullmatch(answer.etag), _LOCATION.fullmatch(answer.location)
    return (
        str(resource.get("id") or (location["id"] if location else "")),
        str(version or (etag[1] if etag else "")),
    )
