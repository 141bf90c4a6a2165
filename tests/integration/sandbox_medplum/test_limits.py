"""Limits that change while the server runs, and the way back."""

import http.client
import time

import pytest

from sandbox.medplum.server import EmbeddedMedplum, EmbeddedMedplumError
from tests.integration.sandbox_medplum.fhir_client import Client, by, patient

pytestmark = pytest.mark.integration


def test_every_third_write_is_committed_and_cut(medplum: EmbeddedMedplum, client: Client) -> None:
    """`every` counts the requests that fit, and lets the others through."""
    medplum.fault(after=True, method="POST", every=3, times=0)
    cut: list[int] = []
    for number in range(6):
        try:
            client.made(patient(str(number)))
        except (http.client.RemoteDisconnected, ConnectionResetError):
            cut.append(number)
    medplum.heal()

    assert [2, 5] == cut
    assert [1, 1] == [len(client.search(f"/Patient?{by(str(number))}")) for number in cut]


def test_an_outage_lasts_until_it_is_healed(medplum: EmbeddedMedplum, client: Client) -> None:
    """A fault of 0 times is never used up, and healing keeps what is stored."""
    client.made(patient("A"))
    medplum.fault(status=503, times=0)
    during = [client.call("GET", "/Patient").status for _ in range(3)]
    medplum.heal()

    assert [503, 503, 503] == during
    assert 1 == len(client.search("/Patient"))


def test_a_quota_comes_and_goes(medplum: EmbeddedMedplum, client: Client) -> None:
    """A limit holds at once, its window ends, and healing takes it back."""
    medplum.limit(quota=100, quotaWindowS=1)
    statuses = [client.call("POST", "/Patient", patient(value)).status for value in "AB"]
    time.sleep(1.1)
    statuses.append(client.call("POST", "/Patient", patient("C")).status)
    medplum.heal()
    statuses += [client.call("POST", "/Patient", patient(value)).status for value in "DE"]

    assert [201, 429, 201, 201, 201] == statuses


@pytest.mark.parametrize("end", [EmbeddedMedplum.heal, EmbeddedMedplum.reset])
def test_latency_comes_and_goes(medplum: EmbeddedMedplum, client: Client, end: object) -> None:
    """Every answer is late until the server is healed or reset."""
    assert callable(end)
    medplum.limit(latencyMs=200)
    late = _duration(client)
    end(medplum)

    assert late >= 0.2 > _duration(client)


def test_an_unknown_limit_is_refused(medplum: EmbeddedMedplum) -> None:
    """A misspelt limit is an error, because it would never hold."""
    with pytest.raises(EmbeddedMedplumError, match="Unknown limit: latency"):
        medplum.limit(latency=1)


def _duration(client: Client) -> float:
    started = time.monotonic()
    client.call("GET", "/Patient")
    return time.monotonic() - started
