"""Batches, and transactions with the feature off."""

import json
import time

import pytest

from tests.integration.sandbox_medplum.fhir_client import (
    Answer,
    Client,
    Json,
    a_uuid,
    bundle,
    by,
    entry,
    observation,
    patient,
)

pytestmark = pytest.mark.integration


def _batch(client: Client, *entries: Json, kind: str = "batch") -> Answer:
    return client.call("POST", "", bundle(kind, *entries))


def test_each_entry_has_its_answer_in_request_order(client: Client) -> None:
    """A batch is 200 with one status per entry, whatever the order of execution."""
    made = client.made(patient("M"))
    answer = _batch(
        client,
        entry("GET", f"Patient/{made['id']}"),
        entry("PUT", f"Patient?{by('A')}", patient("A")),
        entry("POST", "Patient", patient("B"), ifNoneExist=by("B")),
        entry("PUT", f"Patient/{made['id']}", {**made, "gender": "male"}, ifMatch='W/"stale"'),
        entry("POST", "Observation", {"resourceType": "Observation", "code": {"text": "x"}}),
        entry("DELETE", f"Patient/{a_uuid()}"),
    )
    assert (200, "batch-response") == (answer.status, answer.json["type"])
    assert ["200", "201", "201", "412", "400", "404"] == answer.statuses
    assert "Precondition Failed" == answer.outcome(3)


def test_response_of_an_entry(client: Client) -> None:
    """An entry has a bare status and location, no etag, and the whole resource."""
    (made,) = _batch(client, entry("POST", "Patient", patient("A"))).json["entry"]
    assert {"status", "location", "outcome"} == set(made["response"])
    assert f"Patient/{made['resource']['id']}" == made["response"]["location"]
    assert "versionId" in made["resource"]["meta"]


def test_conditional_put_in_a_batch_honours_if_match(client: Client) -> None:
    """A stale ifMatch is 412, also for a conditional PUT that matches."""
    client.made(patient("A"))
    body = patient("A", gender="male")
    answer = _batch(client, entry("PUT", f"Patient?{by('A')}", body, ifMatch='W/"stale"'))
    assert ["412"] == answer.statuses


def test_conditional_put_in_a_batch_with_many_matches(client: Client) -> None:
    """Several matches are 400 inside a batch, not 412."""
    client.made(patient("A"))
    client.made(patient("A"))
    answer = _batch(client, entry("PUT", f"Patient?{by('A')}", patient("A")))
    assert (["400"], "Conditional PUT matched multiple resources") == (
        answer.statuses,
        answer.outcome(0),
    )


def test_same_new_identifier_twice(client: Client) -> None:
    """Two upserts of one new identifier are 201 and 400; two conditional creates 201 and 200."""
    upsert = entry("PUT", f"Patient?{by('A')}", patient("A"))
    answer = _batch(client, upsert, upsert)
    assert (["201", "400"], "Resource ID did not match resolved ID") == (
        answer.statuses,
        answer.outcome(1),
    )
    create = entry("POST", "Patient", patient("B"), ifNoneExist=by("B"))
    assert ["201", "200"] == _batch(client, create, create).statuses
    assert 2 == len(client.search("/Patient"))


def test_deletes_run_before_puts(client: Client) -> None:
    """A PUT before a DELETE of one id leaves it alive."""
    made = client.made(patient("A"))
    url = f"Patient/{made['id']}"
    answer = _batch(client, entry("PUT", url, {**made, "gender": "male"}), entry("DELETE", url))
    assert ["200", "200"] == answer.statuses
    assert 200 == client.call("GET", "/" + url).status


def test_urn_references_resolve_in_either_order(client: Client) -> None:
    """A urn:uuid of another entry becomes its id, also of a conditional PUT."""
    full = f"urn:uuid:{a_uuid()}"
    answer = _batch(
        client,
        entry("POST", "Observation", observation(subject={"reference": full})),
        entry("PUT", f"Patient?{by('A')}", patient("A"), fullUrl=full),
    )
    first, second = answer.json["entry"]
    assert f"Patient/{second['resource']['id']}" == first["resource"]["subject"]["reference"]


def test_conditional_reference_to_a_later_entry(client: Client) -> None:
    """A conditional reference sees only what already ran."""
    answer = _batch(
        client,
        entry("POST", "Observation", observation(subject={"reference": f"Patient?{by('A')}"})),
        entry("PUT", f"Patient?{by('A')}", patient("A")),
    )
    assert ["400", "201"] == answer.statuses


def test_malformed_entries(client: Client) -> None:
    """An entry without method, or of an unknown type, is 400 beside good ones."""
    answer = _batch(
        client,
        {"request": {"url": "Patient"}, "resource": patient("A")},
        entry("POST", "Foo", {"resourceType": "Foo"}),
        entry("POST", "Patient", patient("B")),
    )
    assert ["400", "400", "201"] == answer.statuses


@pytest.mark.parametrize(
    "body", [{"resourceType": "Bundle", "type": "batch"}, bundle("collection")]
)
def test_bundles_that_are_no_batch(client: Client, body: Json) -> None:
    """An empty bundle and a collection are 400."""
    assert 400 == client.call("POST", "", body).status


def test_minimal_batch_loses_its_results(client: Client) -> None:
    """`return=minimal` on a batch answers with an empty body."""
    body = bundle("batch", entry("POST", "Patient", patient("A")))
    answer = client.call("POST", "", body, Prefer="return=minimal")
    assert (200, b"") == (answer.status, answer.content)


def test_transaction_without_the_feature_is_a_batch(client: Client) -> None:
    """A transaction is run entry by entry and only typed as one."""
    answer = _batch(
        client,
        entry("POST", "Patient", patient("A")),
        entry("POST", "Patient", patient("B", foo=1)),
        kind="transaction",
    )
    assert (200, "transaction-response") == (answer.status, answer.json["type"])
    assert ["201", "400"] == answer.statuses
    assert 1 == len(client.search("/Patient"))


def test_asynchronous_batch(client: Client) -> None:
    """`respond-async` takes more than 1 MB, is 202 with a job, and its results are a Binary."""
    big = {"text": {"status": "generated", "div": f"<div>{'x' * 300_000}</div>"}}
    body = bundle("batch", *(entry("POST", "Patient", patient(str(i), **big)) for i in range(5)))
    accepted = client.call("POST", "", body, Prefer="respond-async")
    assert 202 == accepted.status
    path = accepted.headers["content-location"].removeprefix(client.base_url.rstrip("/"))
    for _ in range(100):
        job = client.raw("GET", path)
        if job.status == 200:
            break
        time.sleep(0.02)
    assert "completed" == job.json["status"]
    reference = job.json["output"]["parameter"][0]["valueReference"]["reference"]
    results = json.loads(client.call("GET", "/" + reference, Accept="*/*").content)
    assert ["201"] * 5 == [e["response"]["status"] for e in results["entry"]]
