"""Fault hooks, reset and counters."""

import http.client
import time

import pytest

from sandbox.medplum.server import EmbeddedMedplum, EmbeddedMedplumError
from tests.integration.sandbox_medplum.fhir_client import Client, by, patient

pytestmark = pytest.mark.integration


def test_status_times_and_retry_after(medplum: EmbeddedMedplum, client: Client) -> None:
    """A fault answers with its status as often as asked, then the server is itself again."""
    medplum.fault(status=503, times=2, retryAfter=7)
    answers = [client.call("GET", "/Patient") for _ in range(3)]
    assert [503, 503, 200] == [answer.status for answer in answers]
    assert ["7", "7", None] == [answer.headers.get("retry-after") for answer in answers]


def test_match_method_and_body(medplum: EmbeddedMedplum, client: Client) -> None:
    """A fault waits for the method, URL and body that it names, and answers its own body."""
    medplum.fault(
        status=500, method="POST", match="/Patient$", matchBody="wanted", body={"mine": True}
    )
    assert 200 == client.call("GET", "/Patient").status
    assert 201 == client.call("POST", "/Patient", patient("other")).status
    answer = client.call("POST", "/Patient", patient("wanted"))
    assert (500, {"mine": True}) == (answer.status, answer.json)
    assert 201 == client.call("POST", "/Patient", patient("wanted")).status


def test_committed_but_cut(medplum: EmbeddedMedplum, client: Client) -> None:
    """`after` commits the write and cuts the connection."""
    medplum.fault(after=True, method="POST")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        client.call("POST", "/Patient", patient("A"))
    assert 1 == len(client.search(f"/Patient?{by('A')}"))


def test_cut_before(medplum: EmbeddedMedplum, client: Client) -> None:
    """`cut` drops the connection and writes nothing."""
    medplum.fault(cut=True, method="POST")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        client.call("POST", "/Patient", patient("A"))
    assert [] == client.search("/Patient")


def test_disguised_infrastructure_failure(medplum: EmbeddedMedplum, client: Client) -> None:
    """A database that is away looks like a bad request without an expression."""
    medplum.fault(disguised=True)
    answer = client.call("POST", "/Patient", patient("A"))
    assert (400, "connect ECONNREFUSED 127.0.0.1:5432") == (answer.status, answer.text)
    assert ("invalid", False) == (
        answer.json["issue"][0]["code"],
        "expression" in answer.json["issue"][0],
    )
    assert [] == client.search("/Patient")


def test_delay(medplum: EmbeddedMedplum, client: Client) -> None:
    """`delayMs` answers late and else normally."""
    medplum.fault(delayMs=200)
    started = time.monotonic()
    assert 200 == client.call("GET", "/Patient").status
    assert 0.2 <= time.monotonic() - started


def test_stale_read(medplum: EmbeddedMedplum, client: Client) -> None:
    """A stale read by id gives the version before; a search sees the newest."""
    made = client.made(patient("A"))
    url = f"/Patient/{made['id']}"
    client.call("PUT", url, {**made, "gender": "male"})
    medplum.fault(stale=True, method="GET", times=2)
    assert "female" == client.call("GET", url).json["gender"]
    found = client.call("GET", f"/Patient?_id={made['id']}").json["entry"][0]["resource"]
    assert "male" == found["gender"]
    assert "male" == client.call("GET", url).json["gender"]


def test_tokens_and_health_fail_only_by_name(medplum: EmbeddedMedplum, client: Client) -> None:
    """A fault hits the token endpoint and the health check only if its match names them."""
    medplum.fault(status=500)
    assert 200 == client.raw("GET", "/healthcheck").status
    medplum.fault(status=500, match="^/healthcheck")
    assert [500, 200] == [client.raw("GET", "/healthcheck").status for _ in range(2)]
    assert 500 == client.call("GET", "/Patient").status


def test_unknown_field_is_refused(medplum: EmbeddedMedplum) -> None:
    """A misspelt fault is an error, because it would never fire."""
    with pytest.raises(EmbeddedMedplumError, match="Unknown fault field: staus"):
        medplum.fault(staus=500)


def test_reset_wipes_everything_but_tokens(medplum: EmbeddedMedplum, client: Client) -> None:
    """Resources, faults and counters are gone after a reset; the token still works."""
    client.made(patient("A"))
    medplum.fault(status=500, match="never")
    medplum.reset()
    assert [] == client.search("/Patient")
    assert {"search": 1} == medplum.stats()["interactions"]


def test_counters(medplum: EmbeddedMedplum, client: Client) -> None:
    """The counters tell requests, interactions, writes, versions and points."""
    medplum.reset()
    made = client.made(patient("A"))
    client.call("PUT", f"/Patient/{made['id']}", made)
    client.call("GET", f"/Patient/{made['id']}")
    stats = medplum.stats()
    assert {"POST": 1, "PUT": 1, "GET": 1} == stats["requests"]["byMethod"]
    assert {"create": 1, "update": 1, "read": 1} == stats["interactions"]
    assert (2, 1, 201) == (stats["writes"], stats["createdVersions"], stats["quota"]["total"])
    assert 1 == stats["resources"]["Patient"]
