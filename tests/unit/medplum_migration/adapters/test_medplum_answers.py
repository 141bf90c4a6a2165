"""The table of answers: every status and outcome that Medplum was seen to give to a write."""

import json
from typing import Any

import pytest

from medplum_migration.adapters.medplum_answers import Answer, classify, entry_answer
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.fhir_store import (
    ConditionalCreate,
    GuardedUpdate,
    Write,
    WriteResult,
    WriteStatus,
)

BODY = {"resourceType": "Patient"}
CREATE = ConditionalCreate(Identifier("urn:s", "7"), BODY)
UPDATE = GuardedUpdate("id-1", "v1", BODY)
STORED = {"resourceType": "Patient", "id": "id-1", "meta": {"versionId": "v2"}}


def _outcome(code: str, text: str = "", expression: str = "", **issue: object) -> dict[str, Any]:
    told = {"severity": "error", "code": code, "details": {"text": text}, **issue}
    path = {"expression": [expression]} if expression else {}
    return {"resourceType": "OperationOutcome", "issue": [told | path]}


ANY = (CREATE, UPDATE)
TABLE: list[tuple[str, tuple[Write, ...], int, Any, WriteStatus, str, str]] = [
    ("exists", (CREATE,), 200, STORED, WriteStatus.CONFLICT, "exists", ""),
    (
        "serialization failure",
        ANY,
        409,
        _outcome("conflict", "could not serialize access due to concurrent update"),
        WriteStatus.CONFLICT,
        "conflict",
        "",
    ),
    (
        "stale version",
        (UPDATE,),
        412,
        _outcome("processing", "Precondition Failed"),
        WriteStatus.CONFLICT,
        "processing",
        "",
    ),
    (
        "several matches",
        (CREATE,),
        412,
        _outcome("multiple-matches", "Multiple resources found matching condition"),
        WriteStatus.REFUSED,
        "multiple-matches",
        "",
    ),
    (
        "several matches, by text",
        (CREATE,),
        412,
        _outcome("processing", "Multiple resources found matching condition"),
        WriteStatus.REFUSED,
        "multiple-matches",
        "",
    ),
    (
        "several matches in a batch",
        (CREATE,),
        400,
        _outcome("invalid", "Conditional PUT matched multiple resources"),
        WriteStatus.REFUSED,
        "multiple-matches",
        "",
    ),
    (
        "several targets of a reference",
        ANY,
        400,
        _outcome("invalid", "Conditional reference 'x' matched multiple resources", "Patient.link"),
        WriteStatus.REFUSED,
        "invalid",
        "Patient.link",
    ),
    (
        "unknown id",
        (UPDATE,),
        404,
        _outcome("not-found", "Not found"),
        WriteStatus.CONFLICT,
        "not-found",
        "",
    ),
    (
        "deleted",
        (UPDATE,),
        410,
        _outcome("deleted", "Gone"),
        WriteStatus.CONFLICT,
        "deleted",
        "",
    ),
    (
        "unknown resource type",
        (CREATE,),
        404,
        _outcome("not-found", "Not found"),
        WriteStatus.REFUSED,
        "not-found",
        "",
    ),
    (
        "lost the race for an id",
        ANY,
        400,
        _outcome("invalid", "Resource ID did not match resolved ID"),
        WriteStatus.CONFLICT,
        "invalid",
        "",
    ),
    (
        "unknown field",
        ANY,
        400,
        _outcome("structure", "Invalid additional property", "Patient.name[0].nosuch"),
        WriteStatus.REFUSED,
        "structure",
        "Patient.name[0].nosuch",
    ),
    (
        "invariant without expression",
        ANY,
        400,
        _outcome("invariant", "obs-6 violated"),
        WriteStatus.REFUSED,
        "invariant",
        "",
    ),
    (
        "code outside its binding",
        ANY,
        400,
        _outcome("value", "not in the value set", "Patient.gender"),
        WriteStatus.REFUSED,
        "value",
        "Patient.gender",
    ),
    (
        "a connection in a data error",
        ANY,
        400,
        _outcome("invalid", "Invalid connection type", "Endpoint.connectionType"),
        WriteStatus.REFUSED,
        "invalid",
        "Endpoint.connectionType",
    ),
    (
        "too large",
        ANY,
        400,
        _outcome("invalid", "File too large"),
        WriteStatus.REFUSED,
        "too-long",
        "",
    ),
    ("forbidden", ANY, 403, _outcome("forbidden"), WriteStatus.REFUSED, "forbidden", ""),
    ("too large by status", ANY, 413, None, WriteStatus.REFUSED, "", ""),
    ("unprocessable", ANY, 422, _outcome("invalid"), WriteStatus.REFUSED, "invalid", ""),
    (
        "disguised data error",
        ANY,
        400,
        _outcome("invalid", "Invalid time value"),
        WriteStatus.UNKNOWN,
        "invalid",
        "",
    ),
    *(
        (
            f"disguised infrastructure error {number}",
            ANY,
            400,
            _outcome("invalid", text),
            WriteStatus.UNKNOWN,
            "infrastructure",
            "",
        )
        for number, text in enumerate(
            (
                "connect ECONNREFUSED 127.0.0.1:5433",
                "Connection terminated unexpectedly",
                "Connection terminated due to connection timeout",
                "timeout exceeded when trying to connect",
                "sorry, too many clients already",
                "the database system is starting up",
                "read ECONNRESET",
            )
        )
    ),
    ("no token", ANY, 401, _outcome("login", "Unauthorized"), WriteStatus.UNKNOWN, "login", ""),
    *(
        (f"status {status}", ANY, status, None, WriteStatus.UNKNOWN, "", "")
        for status in (0, 302, 408, 500, 502, 503, 504)
    ),
]
CASES = [
    pytest.param(write, status, body, WriteResult(means, "", "", status, reason, path), id=name)
    for name, writes, status, body, means, reason, path in TABLE
    for write in writes
]


@pytest.mark.parametrize(("write", "status", "body", "wanted"), CASES)
def test_table(write: Write, status: int, body: object, wanted: WriteResult) -> None:
    """Each answer has one meaning, with the issue's code and expression and nothing else of it."""
    assert wanted == classify(write, Answer(status, body))


@pytest.mark.parametrize(("write", "status", "body", "wanted"), CASES)
def test_table_in_a_batch(write: Write, status: int, body: object, wanted: WriteResult) -> None:
    """An entry of a batch means the same as an answer of its own."""
    part = "resource" if body is STORED else "outcome"
    entry = {"response": {"status": str(status), part: body}, part: body}
    assert wanted == classify(write, entry_answer(entry, retry_after_s=1.0))


@pytest.mark.parametrize(
    ("write", "status", "means"),
    [
        (CREATE, 201, WriteStatus.CREATED),
        (UPDATE, 200, WriteStatus.UPDATED),
        (UPDATE, 201, WriteStatus.UPDATED),
    ],
)
@pytest.mark.parametrize(
    "answer",
    [
        {"body": STORED},
        {"body": {**STORED, "meta": None}, "etag": 'W/"v2"'},
        {"location": "https://x.example/fhir/R4/Patient/id-1/_history/v2", "etag": '"v2"'},
        {"location": "Patient/id-1", "etag": 'W/"v2"'},
    ],
)
def test_stored(write: Write, status: int, means: WriteStatus, answer: dict[str, Any]) -> None:
    """Id and version come from the resource, or from Location and ETag."""
    assert WriteResult(means, "id-1", "v2", status) == classify(write, Answer(status, **answer))


@pytest.mark.parametrize(
    "body",
    [None, [], "text", {}, {"id": "id-1"}, {**STORED, "id": ""}, {"id": "id-1", "meta": {}}],
)
@pytest.mark.parametrize(("write", "status"), [(CREATE, 201), (UPDATE, 200)])
def test_stored_but_unreadable(write: Write, status: int, body: object) -> None:
    """Success without id and version is unknown: a search will tell."""
    wanted = WriteResult(WriteStatus.UNKNOWN, http_status=status, reason="unreadable")
    assert wanted == classify(write, Answer(status, body))


def test_stored_under_another_id() -> None:
    """An update that answers with another resource is unknown."""
    result = classify(UPDATE, Answer(200, {**STORED, "id": "id-2"}))
    assert (WriteStatus.UNKNOWN, "unreadable") == (result.status, result.reason)


def test_entry_status_may_have_a_phrase() -> None:
    """`201` and `201 Created` are the same, and the version is the resource's."""
    entry = {"response": {"status": "201 Created"}, "resource": STORED}
    result = classify(CREATE, entry_answer(entry, retry_after_s=0))
    assert WriteResult(WriteStatus.CREATED, "id-1", "v2", 201) == result


@pytest.mark.parametrize("entry", [None, {}, {"response": None}, {"response": {"status": "x"}}, 3])
def test_unreadable_entry(entry: object) -> None:
    """An entry that cannot be read is unknown."""
    result = classify(CREATE, entry_answer(entry, retry_after_s=0))
    assert WriteResult(WriteStatus.UNKNOWN) == result


def test_throttled_by_header() -> None:
    """Without diagnostics the wait is the one of the `RateLimit` header."""
    result = classify(CREATE, Answer(429, _outcome("throttled"), retry_after_s=57.0))
    assert (WriteStatus.THROTTLED, 57.0) == (result.status, result.retry_after_s)


def test_throttled_by_diagnostics() -> None:
    """Diagnostics tell the wait in milliseconds and win over the header."""
    diagnostics = json.dumps({"_msBeforeNext": 56055, "_consumedPoints": 50015, "limit": 50000})
    body = _outcome("throttled", "Too Many Requests", diagnostics=diagnostics)
    result = classify(UPDATE, Answer(429, body, retry_after_s=57.0))
    assert (WriteStatus.THROTTLED, 56.055) == (result.status, result.retry_after_s)
