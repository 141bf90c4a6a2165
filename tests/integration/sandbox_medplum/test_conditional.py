"""Conditional create, update, delete and patch."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.sandbox_medplum.fhir_client import Client, a_uuid, by, patient

pytestmark = pytest.mark.integration
MULTIPLE = "Multiple resources found matching condition"


@pytest.fixture
def twins(client: Client) -> str:
    """Store two Patients of one identifier and return its value."""
    client.made(patient("T"))
    client.made(patient("T"))
    return "T"


def test_update_with_no_one_and_equal_match(client: Client) -> None:
    """A conditional PUT creates, updates, and keeps the version of equal content."""
    url = f"/Patient?{by('A')}"
    created = client.call("PUT", url, patient("A"))
    changed = client.call("PUT", url, patient("A", gender="male"))
    same = client.call("PUT", url, patient("A", gender="male"))
    assert [201, 200, 200] == [created.status, changed.status, same.status]
    assert created.json["id"] == changed.json["id"]
    assert (True, True) == (created.version != changed.version, changed.version == same.version)


def test_update_with_many_matches(client: Client, twins: str) -> None:
    """Several matches are 412."""
    answer = client.call("PUT", f"/Patient?{by(twins)}", patient(twins))
    assert (412, MULTIPLE) == (answer.status, answer.text)


def test_update_without_criteria_means_all(client: Client, twins: str) -> None:
    """Without criteria every resource of the type matches."""
    assert 412 == client.call("PUT", "/Patient", patient(twins)).status


def test_update_with_an_unknown_parameter(client: Client) -> None:
    """An unknown search parameter is 400."""
    answer = client.call("PUT", "/Patient?nosuch=1", patient("A"))
    assert (400, "Unknown search parameter: nosuch") == (answer.status, answer.text)


def test_update_with_ids_in_the_body(client: Client) -> None:
    """An id in the body must be that of the match, and may not be given to create."""
    client.made(patient("A"))
    other = client.call("PUT", f"/Patient?{by('A')}", patient("A", id=a_uuid()))
    assert (400, "Resource ID did not match resolved ID") == (other.status, other.text)
    fresh = client.call("PUT", f"/Patient?{by('B')}", patient("B", id=a_uuid()))
    assert (400, "Cannot perform create as update with client-assigned ID") == (
        fresh.status,
        fresh.text,
    )


def test_update_does_not_compare_body_and_criteria(client: Client) -> None:
    """A body without the identifier of the criteria is stored, and again on the next run."""
    statuses = [client.call("PUT", f"/Patient?{by('A')}", patient("B")).status for _ in range(2)]
    assert [201, 201] == statuses


def test_update_ignores_a_stale_if_match(client: Client) -> None:
    """The 5.0.10 router does not read If-Match on a conditional PUT."""
    client.made(patient("A"))
    body = patient("A", gender="male")
    assert 200 == client.call("PUT", f"/Patient?{by('A')}", body, If_Match='W/"stale"').status


def test_create_with_no_one_and_many_matches(client: Client, twins: str) -> None:
    """If-None-Exist gives 201, then the existing resource unchanged, and 412 for several."""
    first = client.call("POST", "/Patient", patient("A"), If_None_Exist=by("A"))
    again = client.call("POST", "/Patient", patient("A", gender="male"), If_None_Exist=by("A"))
    many = client.call("POST", "/Patient", patient(twins), If_None_Exist=by(twins))
    assert [201, 200, 412] == [first.status, again.status, many.status]
    assert first.json == again.json


def test_delete_with_no_one_and_many_matches(client: Client, twins: str) -> None:
    """A conditional DELETE is 200 for none and one, 412 for several."""
    client.made(patient("A"))
    statuses = [
        client.call("DELETE", f"/Patient?{by(value)}").status for value in ("none", "A", twins)
    ]
    assert [200, 200, 412] == statuses
    assert [] == client.search(f"/Patient?{by('A')}")


def test_patch_with_no_one_and_many_matches(client: Client, twins: str) -> None:
    """A conditional PATCH is 404 for none, 200 for one, 412 for several."""
    client.made(patient("A"))
    body = json.dumps([{"op": "add", "path": "/active", "value": True}])
    statuses = [
        client.call(
            "PATCH", f"/Patient?{by(value)}", body, Content_Type="application/json-patch+json"
        ).status
        for value in ("none", "A", twins)
    ]
    assert [404, 200, 412] == statuses


def test_parallel_conditional_creates_make_one_resource(client: Client) -> None:
    """Of 50 parallel conditional PUTs of a new identifier one is 201, and one copy exists."""

    def write(_: int) -> int:
        return client.call("PUT", f"/Patient?{by('A')}", patient("A")).status

    with ThreadPoolExecutor(16) as pool:
        statuses = sorted(pool.map(write, range(50)))
    assert [*[200] * 49, 201] == statuses
    assert 1 == len(client.search(f"/Patient?{by('A')}"))


def test_conditional_write_after_a_delete_makes_a_second_id(client: Client) -> None:
    """A deleted resource is not found; restoring it makes the identifier ambiguous."""
    old = client.made(patient("A"))
    client.call("DELETE", f"/Patient/{old['id']}")
    new = client.call("PUT", f"/Patient?{by('A')}", patient("A"))
    assert 201 == new.status
    assert old["id"] != new.json["id"]
    client.call("PUT", f"/Patient/{old['id']}", old)
    assert 412 == client.call("PUT", f"/Patient?{by('A')}", patient("A")).status
