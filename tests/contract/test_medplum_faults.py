"""The Medplum adapter on the embedded server when things go wrong: cut, disguised, used up."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from medplum_migration.adapters.loading import Batches, Loading, SingleRequests
from medplum_migration.adapters.medplum_http import (
    MedplumHttp,
    client_credentials,
    medplum_client,
)
from medplum_migration.adapters.memory import MemoryClock
from medplum_migration.domain.errors import ThrottledError, UnavailableError
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.fhir_store import ConditionalCreate, WriteStatus

if TYPE_CHECKING:
    from sandbox.medplum.server import EmbeddedMedplum

pytestmark = pytest.mark.integration
STRATEGIES = pytest.mark.parametrize("loading", [SingleRequests(workers=1), Batches(workers=1)])
KEYS = [Identifier("https://clinic.example/patient", str(n)) for n in range(4)]
CREATES = [
    ConditionalCreate(
        key,
        {"resourceType": "Patient", "identifier": [{"system": key.system, "value": key.value}]},
    )
    for key in KEYS
]

Connect = Callable[["EmbeddedMedplum", Loading], MedplumHttp]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make adapters of a server; their clients are closed in the end."""
    with ExitStack() as stack:

        def make(server: "EmbeddedMedplum", loading: Loading) -> MedplumHttp:
            clock = MemoryClock()
            auth = client_credentials(
                server.base_url, lambda: (server.client_id, server.client_secret), clock=clock
            )
            client = stack.enter_context(medplum_client(server.base_url, auth))
            return MedplumHttp(client, clock=clock, loading=loading)

        yield make


@pytest.mark.parametrize(
    ("loading", "committed"), [(SingleRequests(workers=1), 1), (Batches(workers=1), 4)]
)
def test_timeout_but_committed(
    embedded_medplum: "EmbeddedMedplum", connect: Connect, loading: Loading, committed: int
) -> None:
    """A connection cut after the commit is unknown; trying again makes no second resource."""
    embedded_medplum.reset()
    store = connect(embedded_medplum, loading)
    embedded_medplum.fault(after=True, times=1)
    assert {WriteStatus.UNKNOWN} == {result.status for result in store.write(CREATES)}
    statuses = [result.status for result in store.write(CREATES)]
    wanted = [WriteStatus.CONFLICT] * committed
    assert wanted + [WriteStatus.CREATED] * (len(CREATES) - committed) == statuses
    assert len(KEYS) == len(store.find("Patient", KEYS))


@STRATEGIES
def test_database_away(
    embedded_medplum: "EmbeddedMedplum", connect: Connect, loading: Loading
) -> None:
    """A 400 that names a connection is nobody's record's fault: the write is unknown."""
    embedded_medplum.reset()
    store = connect(embedded_medplum, loading)
    embedded_medplum.fault(disguised=True, times=len(CREATES))
    results = store.write(CREATES)
    assert {WriteStatus.UNKNOWN} == {result.status for result in results}
    assert [] == connect(embedded_medplum, loading).find("Patient", KEYS)


def test_searches_outlast_an_outage(embedded_medplum: "EmbeddedMedplum", connect: Connect) -> None:
    """Two failures are retried away, four are told."""
    embedded_medplum.reset()
    store = connect(embedded_medplum, SingleRequests())
    embedded_medplum.fault(status=503, times=2)
    assert [] == store.find("Patient", KEYS)
    embedded_medplum.fault(status=503, times=4)
    with pytest.raises(UnavailableError):
        store.find("Patient", KEYS)


@STRATEGIES
def test_quota_used_up(tmp_path: Path, connect: Connect, loading: Loading) -> None:
    """What the quota still paid for is stored; the rest, and searches too, are told to wait."""
    server = pytest.importorskip("sandbox.medplum.server")
    with server.EmbeddedMedplum.start(log_path=tmp_path / "log", quota=300) as running:
        store = connect(running, loading)
        results = store.write(CREATES)
        with pytest.raises(ThrottledError) as raised:
            store.find("Patient", KEYS)
    statuses = [result.status for result in results]
    paid = statuses.count(WriteStatus.CREATED)
    assert paid in {1, 2}
    assert [WriteStatus.CREATED] * paid + [WriteStatus.THROTTLED] * (4 - paid) == statuses
    assert all(0 < result.retry_after_s <= 60 for result in results[paid:])
    assert 0 < raised.value.retry_after_s <= 60
