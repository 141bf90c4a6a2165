"""The FHIR quota: costs, header, refusals."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.sandbox_medplum.fhir_client import (
    Client,
    bundle,
    by,
    client_of,
    entry,
    observation,
    patient,
)

pytestmark = pytest.mark.integration
LIMIT = 1000


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMedplum]:
    """Start a server with transactions that grants 1,000 points per window."""
    log = tmp_path_factory.mktemp("limited") / "server.log"
    with EmbeddedMedplum.start(
        log_path=log, quota=LIMIT, extra=["--transactions", "--client=other:secret"]
    ) as server:
        yield server


@pytest.fixture
def poor(limited: EmbeddedMedplum) -> Client:
    """Return a client whose window is untouched."""
    limited.reset()
    return client_of(limited)


def _left(headers: dict[str, str]) -> int:
    found = re.fullmatch(
        r'"requests";r=\d+;t=\d+, "fhirInteractions";r=(\d+);t=\d+', headers["ratelimit"]
    )
    assert found is not None
    return int(found[1])


def _exhaust(client: Client) -> None:
    for i in range(LIMIT // 100):
        client.made(patient(f"X{i}"))


@pytest.mark.parametrize(
    ("cost", "request_"),
    [
        (100, lambda c: c.call("POST", "/Patient", patient("N"))),
        (100, lambda c: c.call("POST", "/Patient", patient("N", foo=1))),
        (1, lambda c: c.call("GET", "/Patient/5e1c9a34-8c2b-4f6d-9f1e-3b7a90c2d4e5")),
        (20, lambda c: c.call("GET", "/Patient?_count=1000")),
        (10, lambda c: c.call("GET", "/Patient/5e1c9a34-8c2b-4f6d-9f1e-3b7a90c2d4e5/_history")),
        (120, lambda c: c.call("PUT", f"/Patient?{by('A')}", patient("A"))),
        (120, lambda c: c.call("PUT", f"/Patient?{by('N')}", patient("N"))),
        (20, lambda c: c.call("POST", "/Patient", patient("A"), If_None_Exist=by("A"))),
        (120, lambda c: c.call("POST", "/Patient", patient("N"), If_None_Exist=by("N"))),
        (100, lambda c: _batch(c, "POST", "Patient")),
        (120, lambda c: _batch(c, "PUT", f"Patient?{by('A')}")),
        (140, lambda c: _batch(c, "PUT", f"Patient?{by('N')}")),
        (140, lambda c: _batch(c, "POST", "Patient", ifNoneExist=by("N"))),
        (
            120,
            lambda c: c.call(
                "POST", "/Observation", observation(subject={"reference": f"Patient?{by('A')}"})
            ),
        ),
    ],
    ids=[
        "create",
        "invalid create",
        "read",
        "search",
        "history",
        "conditional no-op update",
        "conditional update, new",
        "conditional create, existing",
        "conditional create, new",
        "batch create",
        "batch conditional update, existing",
        "batch conditional update, new",
        "batch conditional create, new",
        "conditional reference",
    ],
)
def test_cost(
    poor: Client, limited: EmbeddedMedplum, cost: int, request_: Callable[[Client], object]
) -> None:
    """Each interaction costs what it costs on the real server."""
    poor.made(patient("A"))
    before = limited.stats()["quota"]["total"]
    request_(poor)
    assert cost == limited.stats()["quota"]["total"] - before


def _batch(client: Client, method: str, url: str, **request: str) -> None:
    value = "A" if by("A") in url else "N"
    made = entry(method, url, patient(value), **request)
    client.call("POST", "", bundle("batch", made))


def test_header_counts_down(poor: Client) -> None:
    """Every answer says what is left of the window."""
    assert [900, 880] == [
        _left(poor.call("POST", "/Patient", patient("A")).headers),
        _left(poor.call("GET", "/Patient").headers),
    ]


def test_exhausted_quota_refuses_reads_too(poor: Client, limited: EmbeddedMedplum) -> None:
    """Beyond the limit everything is 429, with RateLimit and without Retry-After."""
    _exhaust(poor)
    answers = [poor.call("POST", "/Patient", patient("Y")), poor.call("GET", "/Patient")]
    for answer in answers:
        assert (429, "Too Many Requests") == (answer.status, answer.text)
        assert 0 == _left(answer.headers)
        assert "retry-after" not in answer.headers
        assert "throttled" == answer.json["issue"][0]["code"]
    diagnostics = json.loads(answers[0].json["issue"][0]["diagnostics"])
    assert LIMIT == diagnostics["limit"]
    assert 0 < diagnostics["_msBeforeNext"] <= 60_000
    assert 2 == limited.stats()["throttled429"]


def test_batch_ends_at_the_first_refused_entry(poor: Client) -> None:
    """The outer answer is 200; the first refused and all later entries are 429."""
    entries = [entry("POST", "Patient", patient(str(i))) for i in range(15)]
    answer = poor.call("POST", "", bundle("batch", *entries))
    assert 200 == answer.status
    assert [*["201"] * 10, *["429"] * 5] == answer.statuses


def test_transaction_is_refused_as_a_whole(poor: Client, limited: EmbeddedMedplum) -> None:
    """A transaction over the limit is 429 and stores nothing."""
    entries = [entry("POST", "Patient", patient(str(i))) for i in range(15)]
    assert 429 == poor.call("POST", "", bundle("transaction", *entries)).status
    assert {} == {k: v for k, v in limited.stats()["resources"].items() if v}


def test_each_client_has_its_own_window(poor: Client, limited: EmbeddedMedplum) -> None:
    """What one client used up does not limit another."""
    _exhaust(poor)
    basic = "Basic b3RoZXI6c2VjcmV0"
    other = Client(limited.base_url, None, {"Authorization": basic})
    assert 200 == other.call("GET", "/Patient").status


def test_a_new_window_grants_again(log_path: Path) -> None:
    """After the window everything works again."""
    with EmbeddedMedplum.start(log_path=log_path, quota=100, extra=["--quota-window=1"]) as server:
        client = client_of(server)
        time.sleep(1.05)
        statuses = [client.call("POST", "/Patient", patient(v)).status for v in "AB"]
        time.sleep(1.1)
        statuses.append(client.call("POST", "/Patient", patient("C")).status)
    assert [201, 429, 201] == statuses


def test_without_enforcement_the_header_still_counts(client: Client) -> None:
    """A server without enforcement counts down from 50,000 and refuses nothing."""
    entries = [entry("POST", "Patient", patient(str(i))) for i in range(600)]
    answer = client.call("POST", "", bundle("batch", *entries))
    assert 0 == _left(answer.headers)
    assert {"201"} == set(answer.statuses)
