"""Loading strategies: lanes, groups and their bounds."""

from collections.abc import Sequence

import pytest

from medplum_migration.adapters.loading import Auto, Batches, Lane, Loading, SingleRequests
from medplum_migration.adapters.medplum_requests import Request, batch, prepare
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.fhir_store import ConditionalCreate, GuardedUpdate, Write


def _create(kind: str, note: str = "") -> Write:
    body = {"resourceType": kind, "identifier": [{"system": "s", "value": "v"}], "note": note}
    return ConditionalCreate(Identifier("s", "v"), body)


def _requests(*writes: Write) -> list[Request]:
    prepared = [prepare(number, write) for number, write in enumerate(writes)]
    return [request for request in prepared if isinstance(request, Request)]


UPDATE: Write = GuardedUpdate("id", "v", {"resourceType": "Patient"})
MIXED = _requests(
    _create("Patient"), UPDATE, _create("Encounter"), UPDATE, _create("Patient"), UPDATE
)


def _numbers(lanes: Sequence[Lane]) -> list[list[list[int]]]:
    return [[[request.number for request in group] for group in lane] for lane in lanes]


@pytest.mark.parametrize(
    ("loading", "metered", "lanes"),
    [
        (SingleRequests(workers=2), False, [[[0], [4]], [[2]], [[1], [5]], [[3]]]),
        (SingleRequests(workers=1), True, [[[0], [4]], [[2]], [[1], [3], [5]]]),
        (Batches(size=2, workers=2), True, [[[0, 4]], [[2]], [[1, 3]], [[5]]]),
        (Batches(size=2, workers=1), False, [[[0, 4]], [[2]], [[1, 3], [5]]]),
        (Auto(), True, [[[0], [4]], [[2]], [[1, 3, 5]]]),
        (Auto(), False, [[[0, 4]], [[2]], [[1, 3, 5]]]),
    ],
)
def test_plan(loading: Loading, *, metered: bool, lanes: list[list[list[int]]]) -> None:
    """Creates of one type follow each other, since they collide; updates spread over workers."""
    assert lanes == _numbers(loading.plan(MIXED, metered=metered))


@pytest.mark.parametrize("loading", [SingleRequests(), Batches(), Auto()])
def test_nothing_to_plan(loading: Loading) -> None:
    """No writes, no lanes; some workers nevertheless."""
    assert [] == loading.plan([], metered=True)
    assert 4 == loading.workers


def test_batches_stay_below_the_limit() -> None:
    """A batch is cut before it exceeds its bytes, counted as sent."""
    requests = _requests(*[_create("Patient", "ä" * 100) for _ in range(20)])
    (lane,) = Batches(max_bytes=1500).plan(requests, metered=False)
    assert len(lane) > 1
    assert all(1000 < len(batch(group)) <= 1500 for group in lane[:-1])
    assert requests == [request for group in lane for request in group]


def test_one_large_write_goes_alone() -> None:
    """A write above the limit is still sent, for the server to judge."""
    requests = _requests(_create("Patient"), _create("Patient", "x" * 2000), _create("Patient"))
    assert [[[0], [1], [2]]] == _numbers(Batches(max_bytes=1500).plan(requests, metered=False))
