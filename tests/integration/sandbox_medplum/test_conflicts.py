"""Injected serialization failures and slow answers."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.sandbox_medplum.fhir_client import (
    Client,
    bundle,
    by,
    client_of,
    entry,
    patient,
)

pytestmark = pytest.mark.integration
DEPENDENCIES = "could not serialize access due to read/write dependencies among transactions"
CONCURRENT = "could not serialize access due to concurrent update"


def _create(client: Client, value: str) -> int:
    answer = client.call("POST", "/Patient", patient(value), If_None_Exist=by(value))
    if answer.status == 409:
        issue = answer.json["issue"][0]
        assert ("conflict", "40001", DEPENDENCIES) == (
            issue["code"],
            issue["details"]["coding"][0]["code"],
            answer.text,
        )
    return answer.status


def test_rate_and_seed(log_path: Path) -> None:
    """Conditional creates conflict at the rate asked for, the same ones for the same seed."""
    runs = []
    for _ in range(2):
        with EmbeddedMedplum.start(log_path=log_path, conflicts=0.3, extra=["--seed=7"]) as server:
            client = client_of(server)
            runs.append([_create(client, str(i)) for i in range(60)])
            conflicts = runs[-1].count(409)
            assert conflicts == server.stats()["conflicts409"]
            assert 60 - conflicts == len(client.search("/Patient?_count=100"))
    assert runs[0] == runs[1]
    assert 8 < runs[0].count(409) < 30


def test_what_can_conflict(log_path: Path) -> None:
    """A lone plain write never conflicts; writes of one type side by side do."""
    with EmbeddedMedplum.start(log_path=log_path, conflicts=1.0) as server:
        client = client_of(server)
        made = [client.made(patient(str(i))) for i in range(8)]
        batch = bundle("batch", entry("POST", "Patient", patient("x"), ifNoneExist=by("x")))
        assert ["409"] == client.call("POST", "", batch).statuses

        def update(number: int) -> tuple[int, str]:
            body = {**made[number % 8], "gender": ("male", "other")[number // 8 % 2]}
            answer = client.call("PUT", f"/Patient/{body['id']}", body)
            return answer.status, answer.text if answer.status == 409 else ""

        with ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(update, range(40)))
    assert (409, CONCURRENT) in answers


def test_latency(log_path: Path) -> None:
    """Every answer takes at least the latency; slow requests do not wait for each other."""
    with EmbeddedMedplum.start(log_path=log_path, latency_ms=150) as server:
        client = client_of(server)
        started = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            assert {200} == set(
                pool.map(lambda _: client.call("GET", "/Patient").status, range(16))
            )
        assert 0.15 <= time.monotonic() - started < 0.15 * 16
