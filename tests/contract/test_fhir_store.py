"""Port `FhirStore`: identity, guards and races, in memory and on the embedded Medplum."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.fhir_store import (
    ConditionalCreate,
    FhirStore,
    GuardedUpdate,
    Write,
    WriteResult,
    WriteStatus,
)
from tests.contract.conftest import FhirServer

SYSTEM = "https://clinic.example/patient"
SOURCE = "urn:legacy:clinic:patients:7#v=3&m=1"


def _identifier(value: str) -> Identifier:
    return Identifier(SYSTEM, value)


def _patient(value: str, **more: Any) -> Resource:
    identifier = [{"system": SYSTEM, "value": value}]
    return {"resourceType": "Patient", "identifier": identifier, "meta": {"source": SOURCE}, **more}


def _create(value: str, **more: Any) -> ConditionalCreate:
    return ConditionalCreate(_identifier(value), _patient(value, **more))


def _made(store: FhirStore, value: str = "7", **more: Any) -> Resource:
    assert WriteStatus.CREATED is store.write([_create(value, **more)])[0].status
    (found,) = store.find("Patient", [_identifier(value)])
    return found


def _update(held: Resource, **more: Any) -> GuardedUpdate:
    return GuardedUpdate(held["id"], held["meta"]["versionId"], {**held, **more})


def test_nothing_is_found_in_an_empty_store(fhir: FhirServer) -> None:
    """A search without hits, or without identifiers, is empty."""
    assert [] == fhir.store.find("Patient", [_identifier("7")])
    assert [] == fhir.store.find("Patient", [])
    assert [] == fhir.store.write([])


def test_create_is_found_at_once(fhir: FhirServer) -> None:
    """What was created is found by the next search, under the id and version that were told."""
    result = fhir.store.write([_create("7", active=True)])[0]
    (found,) = fhir.store.find("Patient", [_identifier("7")])
    assert (WriteStatus.CREATED, 201) == (result.status, result.http_status)
    assert (found["id"], found["meta"]["versionId"]) == (result.resource_id, result.version_id)
    assert (True, SOURCE) == (found["active"], found["meta"]["source"])


def test_an_id_in_a_new_body_is_ignored(fhir: FhirServer) -> None:
    """The server assigns ids."""
    wanted = "11111111-2222-4333-8444-555555555555"
    assert wanted != _made(fhir.store, id=wanted)["id"]


def test_create_of_an_existing_identifier_conflicts(fhir: FhirServer) -> None:
    """A second create changes nothing and says that somebody was faster."""
    held = _made(fhir.store)
    result = fhir.store.write([_create("7", active=False)])[0]
    assert (WriteStatus.CONFLICT, "") == (result.status, result.resource_id)
    assert [held] == fhir.store.find("Patient", [_identifier("7")])


def test_create_must_carry_its_identifier(fhir: FhirServer) -> None:
    """A body that the next search would not find is refused before it is sent."""
    result = fhir.store.write([ConditionalCreate(_identifier("7"), _patient("8"))])[0]
    assert (WriteStatus.REFUSED, "identifier-not-in-body") == (result.status, result.reason)
    assert [] == fhir.store.find("Patient", [_identifier("7"), _identifier("8")])


@pytest.mark.parametrize("value", ["a,b", "a|b", "a\\b", "a$b", "a b+c%20&d='e'", "ä", "~2c"])
def test_identifiers_with_special_characters(fhir: FhirServer, value: str) -> None:
    """Characters that mean something in a search or a URL mean themselves."""
    held = _made(fhir.store, value)
    assert WriteStatus.CONFLICT is fhir.store.write([_create(value)])[0].status
    assert [held] == fhir.store.find("Patient", [_identifier(value)])


def test_identifiers_are_compared_exactly(fhir: FhirServer) -> None:
    """Case, leading zeros and the system all count."""
    names = [_identifier(v) for v in ("ab1", "AB1", "007", "7")]
    names.append(Identifier(SYSTEM + "/x", "7"))
    for name in names:
        body = _patient(name.value)
        body["identifier"][0]["system"] = name.system
        assert WriteStatus.CREATED is fhir.store.write([ConditionalCreate(name, body)])[0].status
    assert [1] * 5 == [len(fhir.store.find("Patient", [name])) for name in names]


def test_find_many(fhir: FhirServer) -> None:
    """A search for many identifiers finds each resource once, however many it carries."""
    values = [str(n) for n in range(230)]
    double = _patient("0")
    double["identifier"].append({"system": SYSTEM, "value": "229"})
    writes = [ConditionalCreate(_identifier("0"), double), *map(_create, values[1:-1])]
    assert {WriteStatus.CREATED} == {result.status for result in fhir.store.write(writes)}
    found = fhir.store.find("Patient", [*map(_identifier, values), _identifier("missing")])
    assert 229 == len(found) == len({resource["id"] for resource in found})


def test_update_over_the_version_that_was_read(fhir: FhirServer) -> None:
    """A guarded update is stored under a new version."""
    held = _made(fhir.store)
    result = fhir.store.write([_update(held, active=False)])[0]
    (found,) = fhir.store.find("Patient", [_identifier("7")])
    assert (WriteStatus.UPDATED, held["id"]) == (result.status, result.resource_id)
    assert found["meta"]["versionId"] == result.version_id != held["meta"]["versionId"]
    assert found["active"] is False


def test_update_over_another_version_conflicts(fhir: FhirServer) -> None:
    """An update whose version is not the current one changes nothing."""
    stale = _made(fhir.store)
    fhir.store.write([_update(stale, active=True)])
    result = fhir.store.write([_update(stale, active=False)])[0]
    assert (WriteStatus.CONFLICT, 412) == (result.status, result.http_status)
    assert fhir.store.find("Patient", [_identifier("7")])[0]["active"] is True


@pytest.mark.parametrize("version_id", ["", "*", 'x" , W/"y'])
def test_update_without_a_version_is_never_applied(fhir: FhirServer, version_id: str) -> None:
    """Medplum would ignore such a precondition and overwrite."""
    held = _made(fhir.store, active=True)
    write = GuardedUpdate(held["id"], version_id, _patient("7", active=False))
    assert fhir.store.write([write])[0].status in {WriteStatus.REFUSED, WriteStatus.CONFLICT}
    assert [held] == fhir.store.find("Patient", [_identifier("7")])


def test_update_with_equal_content_keeps_the_version(fhir: FhirServer) -> None:
    """A no-op is stored, as the version that is there."""
    held = _made(fhir.store, active=True)
    result = fhir.store.write([_update(held)])[0]
    assert (WriteStatus.UPDATED, held["meta"]["versionId"]) == (result.status, result.version_id)


def test_update_replaces_meta(fhir: FhirServer) -> None:
    """Nothing is merged: what an update leaves out is gone, the fence too."""
    held = _made(fhir.store, active=True)
    body = {name: value for name, value in held.items() if name not in {"active", "meta"}}
    fhir.store.write([GuardedUpdate(held["id"], held["meta"]["versionId"], body)])
    (found,) = fhir.store.find("Patient", [_identifier("7")])
    assert "active" not in found
    assert "source" not in found["meta"]


def test_update_of_nothing_conflicts(fhir: FhirServer) -> None:
    """An id that never existed: read again and start over."""
    unknown = "11111111-2222-4333-8444-555555555555"
    result = fhir.store.write([GuardedUpdate(unknown, unknown, _patient("7"))])[0]
    assert (WriteStatus.CONFLICT, 404) == (result.status, result.http_status)


def test_deleted_resources_are_not_found(fhir: FhirServer) -> None:
    """A resource that somebody deleted is as good as none: the next create makes another."""
    held = _made(fhir.store)
    fhir.delete("Patient", held["id"])
    assert [] == fhir.store.find("Patient", [_identifier("7")])
    assert [] == list(fhir.store.sweep("Patient", system=SYSTEM))
    assert held["id"] != _made(fhir.store)["id"]


def test_update_brings_a_deleted_resource_back(fhir: FhirServer) -> None:
    """The trap that forbids hard deletes: no version guards what is deleted."""
    held = _made(fhir.store)
    fhir.delete("Patient", held["id"])
    assert WriteStatus.UPDATED is fhir.store.write([_update(held, active=True)])[0].status
    assert [held["id"]] == [r["id"] for r in fhir.store.find("Patient", [_identifier("7")])]


def test_several_matches_are_refused(fhir: FhirServer) -> None:
    """A condition that matches two resources is for a person, not for another try."""
    _made(fhir.store, "8")
    other = _made(fhir.store, "9")
    fhir.store.write([_update(other, identifier=_patient("8")["identifier"])])
    result = fhir.store.write([_create("8")])[0]
    assert (WriteStatus.REFUSED, "multiple-matches") == (result.status, result.reason)


def test_mixed_writes_answer_in_order(fhir: FhirServer) -> None:
    """Each write gets its own answer in its own place, whatever happens to the others."""
    held, stale = _made(fhir.store, "1"), _made(fhir.store, "2")
    fhir.store.write([_update(stale, active=True)])
    writes: list[Write] = [
        _update(held, active=True),
        _create("3"),
        _update(stale, active=False),
        _create("1"),
        ConditionalCreate(_identifier("4"), _patient("5")),
        _create("6"),
    ]
    assert [
        WriteStatus.UPDATED,
        WriteStatus.CREATED,
        WriteStatus.CONFLICT,
        WriteStatus.CONFLICT,
        WriteStatus.REFUSED,
        WriteStatus.CREATED,
    ] == [result.status for result in fhir.store.write(writes)]


def test_sweep_pages_through_a_system(fhir: FhirServer) -> None:
    """All live resources of a system come once, oldest change first; others do not."""
    fhir.store.write([_create(str(n)) for n in range(5)])
    other = Identifier("urn:other", "1")
    body = {"resourceType": "Patient", "identifier": [{"system": "urn:other", "value": "1"}]}
    fhir.store.write([ConditionalCreate(other, body)])
    swept = [r for page in fhir.store.sweep("Patient", system=SYSTEM) for r in page]
    changed = [resource["meta"]["lastUpdated"] for resource in swept]
    assert set("01234") == {resource["identifier"][0]["value"] for resource in swept}
    assert (5, sorted(changed)) == (len(swept), changed)


def test_twenty_creates_make_one_resource(fhir: FhirServer) -> None:
    """Of twenty creates of one identifier at once one succeeds, and one resource exists."""
    statuses = _at_once(fhir.store, [_create("7", active=n % 2 == 0) for n in range(20)])
    assert 1 == statuses[WriteStatus.CREATED]
    assert 19 == statuses[WriteStatus.CONFLICT]
    assert 1 == len(fhir.store.find("Patient", [_identifier("7")]))


def test_twenty_updates_over_one_version(fhir: FhirServer) -> None:
    """Of twenty different updates over one version exactly one succeeds."""
    held = _made(fhir.store)
    writes = [_update(held, birthDate=f"19{n + 10}-01-01") for n in range(20)]
    assert {WriteStatus.UPDATED: 1, WriteStatus.CONFLICT: 19} == _at_once(fhir.store, writes)


def test_points_grow_with_every_request(fhir: FhirServer) -> None:
    """A search costs 20 points, a new resource at least 120, an update 100."""
    before = fhir.store.points_spent()
    held = _made(fhir.store)
    created = fhir.store.points_spent()
    fhir.store.write([_update(held, active=True)])
    assert (140, 100) == (created - before, fhir.store.points_spent() - created)


def _at_once(
    store: FhirStore, writes: list[ConditionalCreate] | list[GuardedUpdate]
) -> Counter[WriteStatus]:
    def send(write: ConditionalCreate | GuardedUpdate) -> WriteResult:
        return store.write([write])[0]

    with ThreadPoolExecutor(20) as pool:
        return Counter(result.status for result in pool.map(send, writes))
