"""Create, read, vread and history."""

import gzip
import json

import pytest

from tests.integration.sandbox_medplum.fhir_client import Client, a_uuid, patient

pytestmark = pytest.mark.integration


def test_create_ignores_the_id_of_the_body(client: Client) -> None:
    """A POST makes a new id and names the resource in its headers."""
    mine = a_uuid()
    made = client.call("POST", "/Patient", patient("A", id=mine))
    assert 201 == made.status
    assert mine != made.json["id"]
    assert f'W/"{made.version}"' == made.headers["etag"]
    assert f"{client.base_url}fhir/R4/Patient/{made.json['id']}" == made.headers["location"]
    assert made.headers["last-modified"].endswith("GMT")


def test_minimal_create_has_headers_and_no_body(client: Client) -> None:
    """`Prefer: return=minimal` leaves the body out."""
    made = client.call("POST", "/Patient", patient("A"), Prefer="return=minimal")
    assert (201, b"") == (made.status, made.content)
    assert "etag" in made.headers


def test_server_meta_of_the_body_is_overwritten(client: Client) -> None:
    """Version, time and author of the body are ignored, tag and source are kept."""
    tag = [{"system": "urn:t", "code": "x"}]
    meta = {
        "versionId": a_uuid(),
        "lastUpdated": "2001-01-01T00:00:00Z",
        "tag": tag,
        "source": "urn:s",
    }
    made = client.made(patient("A", meta=meta))
    assert (tag, "urn:s") == (made["meta"]["tag"], made["meta"]["source"])
    assert meta["versionId"] != made["meta"]["versionId"]
    assert "2001" != made["meta"]["lastUpdated"][:4]


def test_empty_strings_and_arrays_are_dropped(client: Client) -> None:
    """An empty string or array is accepted and not stored."""
    made = client.made(patient("A", gender="", telecom=[]))
    assert set() == {"gender", "telecom"} & set(made)


def test_malformed_json_is_refused(client: Client) -> None:
    """A body that is no JSON is 400."""
    answer = client.call("POST", "/Patient", b"{bad")
    assert (400, "Content could not be parsed") == (answer.status, answer.text)


@pytest.mark.parametrize("packed", [False, True])
def test_body_over_one_megabyte_is_refused(client: Client, packed: bool) -> None:  # noqa: FBT001 because pytest passes it by name
    """The limit is 1 MB, measured after unpacking, and answered with 400."""
    big = json.dumps(patient("A", text={"status": "generated", "div": "x" * 1_050_000})).encode()
    body = gzip.compress(big) if packed else big
    encoding = "gzip" if packed else "identity"
    answer = client.call("POST", "/Patient", body, Content_Encoding=encoding)
    assert (400, "File too large") == (answer.status, answer.text)


def test_gzip_body_is_accepted(client: Client) -> None:
    """A compressed body under the limit is stored."""
    body = gzip.compress(json.dumps(patient("A")).encode())
    assert 201 == client.call("POST", "/Patient", body, Content_Encoding="gzip").status


@pytest.mark.parametrize(("url", "kind"), [("/Observation", "Patient"), ("/Foo", "Foo")])
def test_wrong_or_unknown_type_is_refused(client: Client, url: str, kind: str) -> None:
    """The body's type must be that of the URL, and one that exists."""
    assert 400 == client.call("POST", url, {"resourceType": kind}).status


def test_read_known_unknown_and_deleted(client: Client) -> None:
    """A read answers 200, 404 for what never was, 410 for what was deleted."""
    made = client.made(patient("A"))
    assert 200 == client.call("GET", f"/Patient/{made['id']}").status
    assert 404 == client.call("GET", f"/Patient/{a_uuid()}").status
    client.call("DELETE", f"/Patient/{made['id']}")
    assert 410 == client.call("GET", f"/Patient/{made['id']}").status


def test_old_versions_stay_readable_after_a_delete(client: Client) -> None:
    """A vread gives the old content, also of a deleted resource."""
    made = client.made(patient("A"))
    url = f"/Patient/{made['id']}"
    client.call("PUT", url, {**made, "gender": "male"})
    client.call("DELETE", url)
    old = client.call("GET", f"{url}/_history/{made['meta']['versionId']}")
    assert (200, "female") == (old.status, old.json["gender"])


def test_history_is_newest_first_and_stable(client: Client) -> None:
    """History has the same order each time; a deletion is an entry without a resource."""
    made = client.made(patient("A"))
    url = f"/Patient/{made['id']}"
    client.call("PUT", url, {**made, "gender": "male"})
    client.call("DELETE", url)
    for _ in range(2):
        entries = client.call("GET", url + "/_history").json["entry"]
        assert ["410", "200", "200"] == [entry["response"]["status"] for entry in entries]
        assert [None, "male", "female"] == [
            entry.get("resource", {}).get("gender") for entry in entries
        ]


def test_current_etag_is_not_modified(client: Client) -> None:
    """A GET with the current version in If-None-Match is 304, with another one 200."""
    made = client.made(patient("A"))
    url = f"/Patient/{made['id']}"
    current = f'W/"{made["meta"]["versionId"]}"'
    assert 304 == client.call("GET", url, If_None_Match=current).status
    assert 200 == client.call("GET", url, If_None_Match='W/"other"').status


def test_last_updated_never_goes_back(client: Client) -> None:
    """In order of writing, lastUpdated does not decrease."""
    times = [client.made(patient(str(i)))["meta"]["lastUpdated"] for i in range(30)]
    assert sorted(times) == times


def test_binary_keeps_its_bytes(client: Client) -> None:
    """Raw content is stored as Binary and comes back byte for byte."""
    content = bytes(range(256)) * 8000
    made = client.call("POST", "/Binary", content, Content_Type="application/octet-stream")
    assert (201, "Binary") == (made.status, made.json["resourceType"])
    raw = client.call("GET", f"/Binary/{made.json['id']}", Accept="*/*")
    assert (200, content) == (raw.status, raw.content)
    as_json = client.call("GET", f"/Binary/{made.json['id']}", Accept="application/fhir+json")
    assert "application/octet-stream" == as_json.json["contentType"]


def test_expunge_is_for_administrators(client: Client) -> None:
    """An ordinary client may not expunge."""
    made = client.made(patient("A"))
    assert 403 == client.call("POST", f"/Patient/{made['id']}/$expunge").status
