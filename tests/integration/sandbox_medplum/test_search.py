"""Search: identifiers, limits, totals, links and paging."""

from urllib.parse import quote, urlencode

import pytest

from tests.integration.sandbox_medplum.fhir_client import (
    SYSTEM,
    Client,
    Json,
    bundle,
    by,
    entry,
    observation,
    patient,
)

pytestmark = pytest.mark.integration


def _many(client: Client, count: int) -> list[str]:
    """Store `count` Patients tagged `run` and return their ids in order."""
    tag = {"tag": [{"system": "urn:run", "code": "r"}]}
    entries = [entry("POST", "Patient", patient(f"P{i}", meta=tag)) for i in range(count)]
    answer = client.call("POST", "", bundle("batch", *entries))
    return [item["resource"]["id"] for item in answer.json["entry"]]


def _query(**parameters: object) -> str:
    return urlencode({name: str(value) for name, value in parameters.items()})


def _links(bundle_: Json) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in bundle_["link"]}


def _follow(client: Client, url: str) -> Json:
    return dict(client.raw("GET", url[url.index("/fhir/R4") :]).json)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{SYSTEM}|a1", ["a1"]),
        (f"{SYSTEM}|A1", ["A1"]),
        ("a1", ["a1"]),
        ("A1", ["A1"]),
        ("a", []),
        (f"{SYSTEM}|", ["a1", "A1"]),
        ("|bare", ["bare"]),
        ("|a1", []),
        (f"{SYSTEM}|a1,{SYSTEM}|A1,{SYSTEM}|none", ["a1", "A1"]),
        ("urn:other|a1", []),
        (f"{SYSTEM}|a1 ", ["a1"]),
    ],
)
def test_identifiers_match_exactly(client: Client, value: str, expected: list[str]) -> None:
    """Identifier search is exact and case-sensitive; trailing blanks do not count."""
    ids = {name: client.made(patient(name))["id"] for name in ("a1", "A1")}
    ids["bare"] = client.made(patient("x", identifier=[{"value": "bare"}]))["id"]
    found = client.search(f"/Patient?identifier={quote(value)}")
    assert {ids[name] for name in expected} == set(found)


@pytest.mark.parametrize("value", ["a,b", "a\\b", "a|b", "a$b", "ä ö", "%+&'", "x" * 3000])
def test_escaped_values_are_found(client: Client, value: str) -> None:
    """Comma, backslash, dollar and bar are escaped with a backslash; all else is plain."""
    made = client.made(patient(value))
    escaped = "".join("\\" + c if c in "\\,$|" else c for c in value)
    assert [made["id"]] == client.search(f"/Patient?{by(escaped)}")


@pytest.mark.parametrize("value", ["a,b", "a\\b"])
def test_unescaped_values_are_not_found(client: Client, value: str) -> None:
    """A comma or backslash that is not escaped finds nothing."""
    client.made(patient(value))
    assert [] == client.search(f"/Patient?{by(value)}")


def test_default_and_maximum_count(client: Client) -> None:
    """A page has 20 entries, at most 1,000, and none with `_count=0`."""
    _many(client, 1005)
    sizes = [
        len(client.search("/Patient" + query))
        for query in ("", "?_count=7", "?_count=5000", "?_count=0")
    ]
    assert [20, 7, 1000, 0] == sizes


@pytest.mark.parametrize(
    ("query", "total"),
    [("", None), ("&_total=accurate", 25), ("&_total=estimate", 25), ("&_summary=count", 25)],
)
def test_total_only_when_asked(client: Client, query: str, total: int | None) -> None:
    """The total is there for accurate, estimate and count, else not."""
    _many(client, 25)
    assert total == client.call("GET", f"/Patient?_tag=r{query}").json.get("total")


def test_offset_pages(client: Client) -> None:
    """Without a sort by lastUpdated the links page by offset."""
    ids = _many(client, 25)
    first = client.call("GET", "/Patient?_count=10&_tag=r").json
    assert ["self", "first", "next"] == list(_links(first))
    assert "_count=10&_offset=10&_tag=r" in _links(first)["next"]
    second = _follow(client, _links(first)["next"])
    third = _follow(client, _links(second)["next"])
    assert ["self", "first", "previous"] == list(_links(third))
    seen = [e["resource"]["id"] for page in (first, second, third) for e in page["entry"]]
    assert sorted(ids) == sorted(seen)


def test_cursor_sweep_sees_each_resource_once_in_order(client: Client) -> None:
    """Sorted by lastUpdated, cursor links visit everything, also equal instants, once."""
    ids = _many(client, 500)
    page = client.call("GET", "/Patient?_sort=_lastUpdated&_count=40").json
    seen: list[str] = []
    while True:
        seen += [e["resource"]["id"] for e in page.get("entry", [])]
        following = _links(page).get("next")
        if following is None:
            break
        assert "_cursor=2-" in following
        page = _follow(client, following)
    assert ids == seen


def test_update_moves_a_resource_to_the_end_of_the_sweep(client: Client) -> None:
    """A changed resource is swept again, after those that were not changed."""
    ids = _many(client, 3)
    stored = client.call("GET", f"/Patient/{ids[0]}").json
    client.call("PUT", f"/Patient/{ids[0]}", {**stored, "gender": "male"})
    assert [ids[1], ids[2], ids[0]] == client.search("/Patient?_sort=_lastUpdated")
    assert ids[0] == client.search("/Patient?_sort=-_lastUpdated")[0]


def test_last_updated_bounds(client: Client) -> None:
    """`_lastUpdated=gt` leaves out the instant itself, `ge` keeps it."""
    _many(client, 1)
    instant = client.call("GET", "/Patient").json["entry"][0]["resource"]["meta"]["lastUpdated"]
    assert [0, 1] == [
        len(client.search(f"/Patient?{_query(_lastUpdated=prefix + instant)}"))
        for prefix in ("gt", "ge")
    ]


def test_offset_beyond_the_maximum(client: Client) -> None:
    """An offset above 10,000 is 400."""
    assert 200 == client.call("GET", "/Patient?_offset=10000").status
    answer = client.call("GET", "/Patient?_offset=10001")
    assert (400, "Search offset exceeds maximum (got 10001, max 10000)") == (
        answer.status,
        answer.text,
    )


@pytest.mark.parametrize(
    "path",
    [
        "/Patient?foo=1",
        "/Foo",
        "/Patient?identifier:foo=1",
        "/Patient?identifier:in=x",
        "/Binary?_id=1",
        "/Patient?_filter=name eq x",
        "/Patient?_deleted=true",
        "/Patient?_compartment=Patient/1",
    ],
)
def test_what_is_not_understood_is_refused(client: Client, path: str) -> None:
    """Unknown and unimplemented parameters are 400, never silently no hits."""
    assert 400 == client.call("GET", quote(path, safe="/?=:&")).status


def test_long_query_needs_a_post(client: Client) -> None:
    """17 KB of query are 431; a POST search takes 1,000 identifiers."""
    _many(client, 30)
    values = ",".join(f"{SYSTEM}|P{i}" for i in range(1000))
    assert 431 == client.call("GET", f"/Patient?identifier={quote(values)[:17000]}").status
    form = urlencode({"identifier": values, "_count": "1000"})
    answer = client.call(
        "POST", "/Patient/_search", form, Content_Type="application/x-www-form-urlencoded"
    )
    assert (200, 30) == (answer.status, len(answer.json["entry"]))


def test_indexed_and_plain_parameters(client: Client) -> None:
    """Source, tag, id, reference, date, number, name and chains find what they should."""
    source = "urn:legacy:emr:patients:1#v=1&m=1"
    tag = [{"system": "urn:run", "code": "r"}]
    one = client.made(patient("A", meta={"source": source, "tag": tag}, birthDate="1980-02-03"))
    client.made(patient("B", name=[{"family": "Roe"}]))
    seen = client.made(
        observation(
            subject={"reference": f"Patient/{one['id']}"},
            effectiveDateTime="2024-01-05",
            valueQuantity={"value": 81},
        )
    )
    patients = [
        _query(_source=source),
        _query(_tag="urn:run|r"),
        f"_id={one['id']}",
        "birthdate=1980-02-03",
        "name=doe",
        "birthdate:missing=false",
        "_has:Observation:subject:code=8867-4",
        _query(**{"identifier:not": f"{SYSTEM}|B"}),
    ]
    for query in patients:
        assert [one["id"]] == client.search("/Patient?" + query), query
    observations = [
        f"subject=Patient/{one['id']}",
        f"patient=Patient/{one['id']}&code=http://loinc.org|8867-4",
        "date=ge2024-01-01&date=lt2024-02-01",
        "value-quantity=gt80",
        _query(**{"subject:Patient.identifier": f"{SYSTEM}|A"}),
    ]
    for query in observations:
        assert [seen["id"]] == client.search("/Observation?" + query), query
    assert [] == client.search("/Observation?value-quantity=gt81")


def test_include_and_revinclude(client: Client) -> None:
    """Included resources come after the matches and are marked."""
    one = client.made(patient("A"))
    seen = client.made(observation(subject={"reference": f"Patient/{one['id']}"}))
    included = client.call("GET", "/Observation?_include=Observation:subject").json["entry"]
    assert [("match", seen["id"]), ("include", one["id"])] == [
        (e["search"]["mode"], e["resource"]["id"]) for e in included
    ]
    assert [one["id"], seen["id"]] == client.search("/Patient?_revinclude=Observation:subject")


def test_elements(client: Client) -> None:
    """`_elements` leaves out the rest and marks the resource."""
    client.made(patient("A"))
    found = client.call("GET", "/Patient?_elements=gender").json["entry"][0]["resource"]
    assert {"resourceType", "id", "meta", "gender"} == set(found)
    assert "SUBSETTED" == found["meta"]["tag"][0]["code"]


def test_deleted_resources_are_not_found(client: Client) -> None:
    """A search gives live resources only."""
    made = client.made(patient("A"))
    client.call("DELETE", f"/Patient/{made['id']}")
    assert [] == client.search("/Patient") + client.search(f"/Patient?{by('A')}")
