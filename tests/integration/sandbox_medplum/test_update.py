"""Update by id, If-Match, patch and delete."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.sandbox_medplum.fhir_client import Answer, Client, Json, a_uuid, patient

pytestmark = pytest.mark.integration


@pytest.fixture
def made(client: Client) -> Json:
    """Return a stored Patient with a tag."""
    return client.made(patient("A", meta={"tag": [{"system": "urn:t", "code": "x"}]}))


def _put(client: Client, made: Json, body: Json, **headers: str) -> Answer:
    return client.call("PUT", f"/Patient/{made['id']}", body, **headers)


def test_changed_content_makes_a_version(client: Client, made: Json) -> None:
    """A PUT of other content is 200 with a new version."""
    answer = _put(client, made, {**made, "gender": "male"})
    assert 200 == answer.status
    assert made["meta"]["versionId"] != answer.version


def test_equal_content_keeps_the_version(client: Client, made: Json) -> None:
    """Key order and a stale meta.versionId do not count as a change."""
    meta = {**made["meta"], "versionId": a_uuid()}
    reordered = dict(reversed({**made, "meta": meta}.items()))
    answer = _put(client, made, reordered)
    assert (200, made["meta"]["versionId"]) == (answer.status, answer.version)
    history = client.call("GET", f"/Patient/{made['id']}/_history")
    assert 1 == history.json["total"]


def test_equal_content_of_another_author_keeps_the_version(client: Client, made: Json) -> None:
    """Another client's equal PUT makes no version and does not become the author."""
    other = Client(client.base_url, None, {"Authorization": "Basic b3RoZXI6c2VjcmV0"})
    url = f"/Patient/{made['id']}"
    assert made["meta"]["versionId"] == other.call("PUT", url, made).version
    extended = client.call("GET", url, X_Medplum="extended").json["meta"]["author"]
    assert "ClientApplication/other" != extended["reference"]


def test_equal_content_without_meta_keeps_the_version(client: Client) -> None:
    """For a resource without tags, a PUT without meta is a no-op."""
    made = client.made(patient("A"))
    answer = _put(client, made, {k: v for k, v in made.items() if k != "meta"})
    assert (200, made["meta"]["versionId"]) == (answer.status, answer.version)


@pytest.mark.parametrize(
    "change",
    [
        {"identifier": [{"system": "urn:b", "value": "2"}, {"system": "urn:a", "value": "1"}]},
        {"meta": {"tag": [{"system": "urn:t", "code": "x"}, {"system": "urn:t", "code": "y"}]}},
    ],
    ids=["reordered array", "added tag"],
)
def test_order_and_tags_are_content(client: Client, change: Json) -> None:
    """A reordered array or another tag makes a new version."""
    both = [{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "2"}]
    tag = [{"system": "urn:t", "code": "x"}]
    made = client.made(patient("A", identifier=both, meta={"tag": tag}))
    assert made["meta"]["versionId"] != _put(client, made, {**made, **change}).version


def test_meta_is_replaced(client: Client, made: Json) -> None:
    """A PUT without meta drops the tags."""
    answer = _put(client, made, {k: v for k, v in made.items() if k != "meta"})
    assert 200 == answer.status
    assert "tag" not in answer.json["meta"]
    assert made["meta"]["versionId"] != answer.version


def test_unknown_and_invalid_ids(client: Client) -> None:
    """A PUT does not create: an unknown UUID is 404, any other id 400."""
    unknown = a_uuid()
    assert 404 == client.call("PUT", f"/Patient/{unknown}", patient("A", id=unknown)).status
    answer = client.call("PUT", "/Patient/legacy-1", patient("A", id="legacy-1"))
    assert (400, "Invalid id") == (answer.status, answer.text)


@pytest.mark.parametrize("body_id", [None, "5e1c9a34-8c2b-4f6d-9f1e-3b7a90c2d4e5"])
def test_body_id_must_be_that_of_the_url(client: Client, made: Json, body_id: str | None) -> None:
    """Another id in the body, or none, is 400."""
    body = patient("A") if body_id is None else patient("A", id=body_id)
    answer = _put(client, made, body)
    assert (400, "Incorrect resource ID") == (answer.status, answer.text)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('W/"{v}"', 200),
        ('"{v}"', 200),
        ('W/"stale"', 412),
        ('"stale"', 412),
        ("stale", 200),
        ("*", 200),
    ],
)
def test_only_a_quoted_version_protects(
    client: Client, made: Json, header: str, expected: int
) -> None:
    """If-Match refuses a stale quoted version; without quotes it is ignored."""
    if_match = header.format(v=made["meta"]["versionId"])
    answer = _put(client, made, {**made, "gender": "male"}, If_Match=if_match)
    assert expected == answer.status


def test_if_none_match_on_put_is_ignored(client: Client, made: Json) -> None:
    """`If-None-Match: *` does not protect an existing resource."""
    assert 200 == _put(client, made, {**made, "gender": "male"}, If_None_Match="*").status


def test_one_of_many_writers_with_the_same_version_wins(client: Client, made: Json) -> None:
    """Of 20 parallel PUTs with the right If-Match one is 200, the others 412."""

    def write(number: int) -> int:
        body = {**made, "birthDate": f"1990-01-{number + 1:02d}"}
        return _put(client, made, body, If_Match=f'W/"{made["meta"]["versionId"]}"').status

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(write, range(20)))
    assert [200, *[412] * 19] == statuses
    assert 2 == client.call("GET", f"/Patient/{made['id']}/_history").json["total"]


def test_put_restores_a_deleted_id_even_with_a_stale_version(client: Client, made: Json) -> None:
    """If-Match does not protect what is deleted: the PUT is 200 and the id lives again."""
    client.call("DELETE", f"/Patient/{made['id']}")
    answer = _put(client, made, {**made, "gender": "male"}, If_Match='W/"stale"')
    assert (200, made["id"]) == (answer.status, answer.json["id"])
    assert [made["id"]] == client.search("/Patient?identifier=A")


def _patch(client: Client, url: str, *operations: Json, **headers: str) -> Answer:
    return client.call(
        "PATCH",
        url,
        json.dumps(operations),
        **{"Content_Type": "application/json-patch+json", **headers},
    )


def test_patch_changes_and_keeps(client: Client, made: Json) -> None:
    """A JSON patch is 200; one that changes nothing keeps the version."""
    url = f"/Patient/{made['id']}"
    changed = _patch(client, url, {"op": "replace", "path": "/gender", "value": "male"})
    assert (200, "male") == (changed.status, changed.json["gender"])
    same = _patch(client, url, {"op": "replace", "path": "/gender", "value": "male"})
    assert (200, changed.version) == (same.status, same.version)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/gender", "value": "other"},
        {"op": "test", "path": "/meta/versionId", "value": "stale"},
        {"op": "replace", "path": "/no/such/path", "value": 1},
    ],
)
def test_failing_patch_is_a_bad_request(client: Client, made: Json, operation: Json) -> None:
    """A failing test operation or a bad path is 400 and changes nothing."""
    url = f"/Patient/{made['id']}"
    answer = _patch(client, url, operation, {"op": "remove", "path": "/gender"})
    assert 400 == answer.status
    assert "female" == client.call("GET", url).json["gender"]


def test_patch_of_a_deleted_resource_is_gone(client: Client, made: Json) -> None:
    """A patch does not restore."""
    client.call("DELETE", f"/Patient/{made['id']}")
    operation = {"op": "replace", "path": "/gender", "value": "male"}
    assert 410 == _patch(client, f"/Patient/{made['id']}", operation).status


def test_stale_if_match_on_patch_and_delete_is_ignored(client: Client, made: Json) -> None:
    """The 5.0.10 router reads If-Match only on PUT by id."""
    url = f"/Patient/{made['id']}"
    operation = {"op": "replace", "path": "/gender", "value": "male"}
    assert 200 == _patch(client, url, operation, If_Match='W/"stale"').status
    assert 200 == client.call("DELETE", url, If_Match='W/"stale"').status


def test_delete_first_again_and_never(client: Client, made: Json) -> None:
    """A delete is 200, also the second time, and 404 for what never was."""
    url = f"/Patient/{made['id']}"
    assert [200, 200] == [client.call("DELETE", url).status for _ in range(2)]
    assert 404 == client.call("DELETE", f"/Patient/{a_uuid()}").status
    assert 2 == client.call("GET", url + "/_history").json["total"]
