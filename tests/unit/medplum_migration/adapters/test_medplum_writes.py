"""Writes over HTTP: what is sent under each strategy, and how bundles of answers are read."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import httpx
import pytest

from medplum_migration.adapters.loading import Auto, Batches, Loading, SingleRequests
from medplum_migration.domain.errors import ConfigurationError, ThrottledError
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.fhir_store import (
    ConditionalCreate,
    GuardedUpdate,
    Write,
    WriteResult,
    WriteStatus,
)
from tests.unit.medplum_migration.adapters.scripted_medplum import (
    ScriptedMedplum,
    answer,
    outcome,
    searchset,
)

METERED = '"requests";r=59000;t=57, "fhirInteractions";r=40000;t=57'
SINGLY = SingleRequests(workers=1)
BATCHED = Batches(workers=1)
STRATEGIES = pytest.mark.parametrize("loading", [SINGLY, BATCHED])


def _body(value: str, kind: str = "Patient", **more: Any) -> dict[str, Any]:
    identifier = [{"system": "urn:s", "value": value}]
    return {"resourceType": kind, "identifier": identifier, **more}


def _create(value: str = "7", kind: str = "Patient", **more: Any) -> ConditionalCreate:
    return ConditionalCreate(Identifier("urn:s", value), _body(value, kind, **more))


def _update(name: str = "id-1", version: str = "v1") -> GuardedUpdate:
    return GuardedUpdate(name, version, _body("7", id="other"))


def _stored(name: str, version: str = "v2") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": name, "meta": {"versionId": version}}


def _entry(status: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
    part = "outcome" if status >= 300 else "resource"
    entry: dict[str, Any] = {"response": {"status": str(status)}}
    (entry["response"] if part == "outcome" else entry)[part] = body
    return entry


def _bundle(*entries: dict[str, Any], **headers: str) -> httpx.Response:
    body = {"resourceType": "Bundle", "type": "batch-response", "entry": list(entries)}
    return answer(200, body, **headers)


def _statuses(results: Sequence[WriteResult]) -> list[WriteStatus]:
    return [result.status for result in results]


def test_conditional_create() -> None:
    """A create is a POST with an encoded condition, without the id that the server assigns."""
    medplum = ScriptedMedplum([answer(201, _stored("a"))])
    write = ConditionalCreate(
        Identifier("urn:s|x", "a,b ä&c+d"),
        {
            "resourceType": "Patient",
            "id": "mine",
            "identifier": {"system": "urn:s|x", "value": "a,b ä&c+d"},
        },
    )
    results = medplum.store(SINGLY).write([write])
    assert [WriteResult(WriteStatus.CREATED, "a", "v2", 201)] == results
    assert ["POST Patient"] == medplum.urls()
    wanted = "identifier=urn%3As%5C%7Cx%7Ca%5C%2Cb%20%C3%A4%26c%2Bd"
    assert wanted == medplum.requests[0].headers["If-None-Exist"]
    assert "application/fhir+json" == medplum.requests[0].headers["Content-Type"]
    assert "id" not in medplum.json(0)


def test_guarded_update() -> None:
    """An update is a PUT by id with a quoted version, and its body carries that id."""
    medplum = ScriptedMedplum([answer(200, _stored("id-1"))])
    results = medplum.store(SINGLY).write([_update()])
    assert [WriteResult(WriteStatus.UPDATED, "id-1", "v2", 200)] == results
    assert ["PUT Patient/id-1"] == medplum.urls()
    assert 'W/"v1"' == medplum.requests[0].headers["If-Match"]
    assert "id-1" == medplum.json(0)["id"]


def test_batch() -> None:
    """Entries of a batch carry the same conditions; minimal answers are never asked for."""
    creates = _bundle(_entry(201, _stored("a")), _entry(201, _stored("b")))
    updates = _bundle(_entry(200, _stored("id-1")), _entry(200, _stored("id-2")))
    medplum = ScriptedMedplum([creates, updates])
    writes: list[Write] = [_create("7"), _create("8"), _update(), _update("id-2", "v9")]
    results = medplum.store(BATCHED).write(writes)
    assert ["a", "b", "id-1", "id-2"] == [result.resource_id for result in results]
    sent = [entry["request"] for n in (0, 1) for entry in medplum.json(n)["entry"]]
    assert [
        {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=urn%3As%7C7"},
        {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=urn%3As%7C8"},
        {"method": "PUT", "url": "Patient/id-1", "ifMatch": 'W/"v1"'},
        {"method": "PUT", "url": "Patient/id-2", "ifMatch": 'W/"v9"'},
    ] == sent
    assert not [r for r in medplum.requests if "Prefer" in r.headers]
    assert {("Bundle", "batch")} == {
        (medplum.json(n)["resourceType"], medplum.json(n)["type"]) for n in (0, 1)
    }


@STRATEGIES
def test_decimals_are_sent_digit_by_digit(loading: Loading) -> None:
    """No number is rounded on its way."""
    medplum = ScriptedMedplum(always=answer(503))
    digits = "0.12345678901234567890"
    medplum.store(loading).write([_create("7", v=Decimal(digits)), _create("8", v=Decimal("1.00"))])
    sent = b"".join(request.content for request in medplum.requests).decode()
    assert digits in sent
    assert '"v":1.00' in sent


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (ConditionalCreate(Identifier("urn:s", "7"), _body("8")), "identifier-not-in-body"),
        (ConditionalCreate(Identifier("urn:s", "7"), {"resourceType": "X1"}), "no-resource-type"),
        (ConditionalCreate(Identifier("urn:s", "7"), {}), "no-resource-type"),
        (_update(version=""), "unguarded-update"),
        (_update(version="*"), "unguarded-update"),
        (_update(name="../Group/1"), "unguarded-update"),
        (_create(v=object()), "not-json"),
        (_create(v=Decimal("NaN")), "not-json"),
        (_create(v="\ud800"), "not-json"),
    ],
)
def test_what_must_not_be_sent_is_refused(write: Write, reason: str) -> None:
    """A write that the server would take wrongly never leaves, and does not stop the others."""
    medplum = ScriptedMedplum([answer(201, _stored("a"))])
    refused, stored = medplum.store(SINGLY).write([write, _create()])
    assert WriteResult(WriteStatus.REFUSED, reason=reason) == refused
    assert WriteStatus.CREATED is stored.status


@STRATEGIES
@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("cut"),
        answer(500),
        answer(504, outcome("exception")),
        answer(400, outcome("invalid", "connect ECONNREFUSED 127.0.0.1:5433")),
        answer(200),
        answer(200, {}),
        answer(200, {"resourceType": "Bundle", "entry": None}),
    ],
)
def test_writes_are_never_repeated(loading: Loading, trouble: httpx.Response | Exception) -> None:
    """Without a readable answer every write is unknown: search before sending it again.

    After a request without any answer, the lane's others are not sent.
    """
    medplum = ScriptedMedplum(always=trouble)
    store = medplum.store(loading)
    results = store.write([_update("id-1"), _update("id-2")])
    assert [WriteStatus.UNKNOWN] * 2 == _statuses(results)
    singly = 1 if isinstance(trouble, Exception) else 2
    assert {SINGLY: singly, BATCHED: 1}[loading] == len(medplum.requests)
    assert (100 if singly == 1 and loading is SINGLY else 200) == store.points_spent()


def test_short_answer_to_a_batch() -> None:
    """Entries that are missing from the answer are unknown, the others are read."""
    medplum = ScriptedMedplum([_bundle(_entry(201, _stored("a")))])
    results = medplum.store(BATCHED).write([_create("7"), _create("8"), _create("9")])
    assert [WriteStatus.CREATED, WriteStatus.UNKNOWN, WriteStatus.UNKNOWN] == _statuses(results)


def test_long_answer_to_a_batch() -> None:
    """An answer with more entries than were sent cannot be matched to them."""
    medplum = ScriptedMedplum([_bundle(*[_entry(201, _stored("a"))] * 3)])
    results = medplum.store(BATCHED).write([_create("7"), _create("8")])
    assert [WriteStatus.UNKNOWN] * 2 == _statuses(results)


def test_mixed_answers_in_a_batch() -> None:
    """Each entry is read by the table, and points are counted entry by entry."""
    entries = [
        _entry(201, _stored("a")),
        _entry(200, _stored("b")),
        _entry(400, outcome("structure", "", "Patient.name")),
        _entry(409, outcome("conflict")),
        _entry(429, outcome("throttled")),
    ]
    limit = '"requests";r=59000;t=57, "fhirInteractions";r=0;t=12'
    medplum = ScriptedMedplum([_bundle(*entries, RateLimit=limit)])
    store = medplum.store(BATCHED)
    results = store.write([_create(str(n)) for n in range(5)])
    assert [
        WriteStatus.CREATED,
        WriteStatus.CONFLICT,
        WriteStatus.REFUSED,
        WriteStatus.CONFLICT,
        WriteStatus.THROTTLED,
    ] == _statuses(results)
    assert ("Patient.name", 12.0) == (results[2].path, results[4].retry_after_s)
    assert 140 + 40 + 140 + 140 + 0 == store.points_spent()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, outcome("invalid", "File too large")),
        (400, outcome("structure", "", "Bundle.entry[1]")),
        (413, None),
        (422, None),
    ],
)
def test_refused_bundles_are_taken_apart(status: int, body: object) -> None:
    """One entry can spoil a bundle: each is then sent alone and judged alone."""
    steps = [
        answer(status, body),
        answer(201, _stored("a")),
        answer(400, outcome("structure", "", "Patient.name")),
    ]
    medplum = ScriptedMedplum(steps)
    results = medplum.store(BATCHED).write([_create("7"), _create("8")])
    assert [WriteStatus.CREATED, WriteStatus.REFUSED] == _statuses(results)
    assert ["POST ", "POST Patient", "POST Patient"] == medplum.urls()


@STRATEGIES
def test_what_follows_a_throttled_group_is_not_sent(loading: Loading) -> None:
    """Once the quota is used up the rest is throttled without asking."""
    limit = '"fhirInteractions";r=0;t=33'
    medplum = ScriptedMedplum([answer(429, outcome("throttled"), RateLimit=limit)])
    store = medplum.store(loading)
    results = store.write([_create(str(n)) for n in range(3)])
    assert [WriteStatus.THROTTLED] * 3 == _statuses(results)
    assert {33.0} == {result.retry_after_s for result in results}
    assert (1, 0) == (len(medplum.requests), store.points_spent())


@pytest.mark.parametrize(
    ("error", "status", "wait_s"),
    [(ThrottledError("tokens", retry_after_s=9.0), WriteStatus.THROTTLED, 9.0)],
)
def test_no_token_for_a_write(error: Exception, status: WriteStatus, wait_s: float) -> None:
    """Token trouble is told per write, like any other."""
    result = ScriptedMedplum([error]).store(SINGLY).write([_create()])[0]
    assert (status, wait_s) == (result.status, result.retry_after_s)


def test_refused_credentials_stop_everything() -> None:
    """A wrong secret is nobody's record's fault."""
    medplum = ScriptedMedplum([ConfigurationError("wrong secret")])
    with pytest.raises(ConfigurationError):
        medplum.store(SINGLY).write([_create()])


def test_single_requests_cost_120_points() -> None:
    """A new resource costs 120 points, an existing one 20, an update 100, refused or not."""
    steps = [
        answer(201, _stored("a")),
        answer(200, _stored("b")),
        answer(200, _stored("id-1")),
        answer(412, outcome("processing")),
    ]
    medplum = ScriptedMedplum(steps)
    store = medplum.store(SINGLY)
    store.write([_create("7"), _create("8"), _update(), _update()])
    assert 120 + 20 + 100 + 100 == store.points_spent()


@pytest.mark.parametrize(
    ("headers", "urls"),
    [
        ({"RateLimit": METERED}, ["POST Patient", "POST Patient", "POST "]),
        ({}, ["POST ", "POST "]),
    ],
)
def test_auto_follows_the_rate_limit_header(headers: dict[str, str], urls: list[str]) -> None:
    """Where the server counts points creates go singly, elsewhere in batches; updates always do."""
    first = searchset()
    first.headers.update(headers)

    def echo(request: httpx.Request) -> httpx.Response:
        return answer(503) if request.url.path.endswith("Patient") else _bundle()

    medplum = ScriptedMedplum([first], always=echo)
    store = medplum.store(Auto(single=SINGLY, batches=BATCHED))
    store.find("Patient", [Identifier("urn:s", "7")])
    store.write([_create("7"), _create("8"), _update("id-1"), _update("id-2")])
    assert urls == medplum.urls()[1:]
