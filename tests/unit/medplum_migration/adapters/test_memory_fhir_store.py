"""The FHIR store in memory: faults, stale searches, other writers, counts."""

from typing import Any

import pytest

from medplum_migration.adapters.memory_fhir_store import Fault, MemoryFhirStore
from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import ThrottledError
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.fhir_store import (
    ConditionalCreate,
    GuardedUpdate,
    Quota,
    WriteResult,
    WriteStatus,
)

KEY = Identifier("urn:s", "7")
BODY: Resource = {"resourceType": "Patient", "identifier": [{"system": "urn:s", "value": "7"}]}
CREATE = ConditionalCreate(KEY, BODY)


@pytest.mark.parametrize(
    ("fault", "status", "stored"),
    [
        (Fault.CONFLICT, WriteStatus.CONFLICT, 0),
        (Fault.LOST, WriteStatus.UNKNOWN, 0),
        (Fault.COMMITTED, WriteStatus.UNKNOWN, 1),
        (Fault.THROTTLED, WriteStatus.THROTTLED, 0),
        (Fault.REFUSED, WriteStatus.REFUSED, 0),
        (None, WriteStatus.CREATED, 1),
    ],
)
def test_faults(fault: Fault | None, status: WriteStatus, stored: int) -> None:
    """Each fault has its answer, and only the lost answer leaves something behind."""
    store = MemoryFhirStore()
    store.inject(fault)
    assert status is store.write([CREATE])[0].status
    assert stored == len(store.find("Patient", [KEY]))


def test_faults_hit_one_write_each() -> None:
    """The next writes fail in turn, those after them do not."""
    store = MemoryFhirStore()
    store.inject(Fault.LOST, None, Fault.CONFLICT)
    statuses = [store.write([CREATE])[0].status for _ in range(3)]
    assert [WriteStatus.UNKNOWN, WriteStatus.CREATED, WriteStatus.CONFLICT] == statuses


def test_a_throttled_write_throttles_those_after_it() -> None:
    """As in a bundle, nothing after the first 429 is executed."""
    store = MemoryFhirStore()
    store.inject(Fault.THROTTLED)
    results = store.write([CREATE, CREATE])
    assert [WriteStatus.THROTTLED] * 2 == [result.status for result in results]
    assert [] == store.resources.all("Patient")


def test_find_errors() -> None:
    """A search fails as told, once per error."""
    store = MemoryFhirStore()
    store.inject_find(ThrottledError("quota", retry_after_s=3.0))
    with pytest.raises(ThrottledError):
        store.find("Patient", [KEY])
    assert [] == store.find("Patient", [KEY])


def test_stale_finds() -> None:
    """Held searches answer from the past; the next one is fresh."""
    store = MemoryFhirStore()
    store.hold(finds=2)
    store.write([CREATE])
    assert [0, 0, 1] == [len(store.find("Patient", [KEY])) for _ in range(3)]


def test_a_stale_find_does_not_let_a_guard_pass() -> None:
    """An update over a version that a stale search told conflicts."""
    store = MemoryFhirStore()
    held = store.seed(BODY)
    store.hold()
    store.edit("Patient", held["id"], lambda body: body.update(active=True))
    (stale,) = store.find("Patient", [KEY])
    write = GuardedUpdate(stale["id"], stale["meta"]["versionId"], BODY)
    assert WriteStatus.CONFLICT is store.write([write])[0].status


def test_identifiers_that_moved() -> None:
    """A resource is found by the identifiers it has now."""
    store = MemoryFhirStore()
    held = store.seed(BODY)
    store.edit("Patient", held["id"], lambda body: body.pop("identifier"))
    assert [] == store.find("Patient", [KEY])


def test_single_identifier() -> None:
    """Types whose identifier does not repeat are found alike."""
    store = MemoryFhirStore()
    body: dict[str, Any] = {"resourceType": "Composition", "identifier": BODY["identifier"][0]}
    assert WriteStatus.CREATED is store.write([ConditionalCreate(KEY, body)])[0].status
    assert 1 == len(store.find("Composition", [KEY]))


def test_several_matches() -> None:
    """Two resources of one identifier refuse a third."""
    store = MemoryFhirStore()
    store.seed(BODY)
    store.seed(BODY)
    wanted = WriteResult(WriteStatus.REFUSED, http_status=412, reason="multiple-matches")
    assert [wanted] == store.write([CREATE])


def test_history_and_deletes() -> None:
    """Versions stay readable after a delete."""
    store = MemoryFhirStore()
    held = store.seed(BODY)
    store.edit("Patient", held["id"], lambda body: body.update(active=True))
    store.remove("Patient", held["id"])
    assert store.resources.get("Patient", held["id"]) is None
    versions = store.resources.history("Patient", held["id"])
    assert [None, True] == [version.get("active") for version in versions]


def test_what_is_read_is_a_copy() -> None:
    """Changing what a search returned changes nothing stored."""
    store = MemoryFhirStore()
    store.write([CREATE])
    store.find("Patient", [KEY])[0]["identifier"].clear()
    assert 1 == len(store.find("Patient", [KEY]))


def test_counts() -> None:
    """Requests, searches, writes and points are counted; the budget is what the test says."""
    store = MemoryFhirStore(page_size=1)
    assert store.quota() is None
    store.limit = Quota(100, 5.0)
    store.write([CREATE, CREATE])
    store.find("Patient", [KEY])
    assert 1 == len(list(store.sweep("Patient", system="urn:s")))
    assert (1, 2, 4) == (store.searches, store.writes, store.requests)
    assert (Quota(100, 5.0), 120 + 20 + 20 + 20) == (store.quota(), store.points_spent())
