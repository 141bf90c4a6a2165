"""Searches and sweeps over HTTP: what is sent, how pages are followed, what is retried."""

import traceback
from decimal import Decimal
from typing import Any

import httpx
import pytest

from medplum_migration.adapters.medplum_http import (
    MedplumHttp,
    client_credentials,
    medplum_client,
)
from medplum_migration.adapters.memory import MemoryClock
from medplum_migration.domain.errors import (
    ConfigurationError,
    MigrationError,
    ThrottledError,
    UnavailableError,
)
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.fhir_store import Quota
from tests.unit.medplum_migration.adapters.scripted_medplum import (
    ScriptedMedplum,
    answer,
    outcome,
    searchset,
)

KEY = Identifier("urn:s", "MRN-00417")
CURSOR_STUCK = outcome("exception", "Cursor fails to make progress")


def _patient(name: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": name}


def test_find_keeps_identifiers_out_of_the_url() -> None:
    """A search is a form: proxies log URLs, and Node cuts them off."""
    medplum = ScriptedMedplum([searchset(_patient("a"))])
    found = medplum.store().find("Patient", [KEY, Identifier("urn:s", "a,b|c")])
    assert [_patient("a")] == found
    assert ["POST Patient/_search"] == medplum.urls()
    wanted = {"identifier": r"urn:s|MRN-00417,urn:s|a\,b\|c", "_count": "1000"}
    assert wanted == medplum.form(0)
    assert "application/x-www-form-urlencoded" == medplum.requests[0].headers["Content-Type"]


def test_find_splits_long_lists() -> None:
    """At most a hundred identifiers a search, each once: longer lists make the database scan."""
    medplum = ScriptedMedplum(always=searchset(_patient("a")))
    store = medplum.store()
    keys = [Identifier("urn:s", str(n)) for n in range(250)]
    assert [_patient("a")] == store.find("Patient", keys + keys)
    sizes = [len(medplum.form(n)["identifier"].split(",")) for n in range(3)]
    assert ([100, 100, 50], 60) == (sizes, store.points_spent())


def test_find_follows_next_links_as_forms() -> None:
    """A further page is asked for on our own host, with the link's query in the form."""
    following = "http://internal:8103/fhir/R4/Patient?identifier=urn%3As%7C7&_offset=1000"
    medplum = ScriptedMedplum([searchset(_patient("a"), following=following), searchset()])
    assert [_patient("a")] == medplum.store().find("Patient", [KEY])
    assert ["POST Patient/_search"] * 2 == medplum.urls()
    assert {"identifier": "urn:s|7", "_offset": "1000"} == medplum.form(1)


def test_find_passes_over_other_entries() -> None:
    """Outcomes and included resources are not hits."""
    page = searchset(outcome("informational"), {"resourceType": "Group", "id": "g"}, _patient("a"))
    assert [_patient("a")] == ScriptedMedplum([page]).store().find("Patient", [KEY])


def test_find_nothing_asks_nothing() -> None:
    """No identifiers, no request."""
    medplum = ScriptedMedplum()
    assert [] == medplum.store().find("Patient", [])
    assert [] == medplum.urls()


def test_decimals_keep_their_digits() -> None:
    """A number is read as it was written."""
    text = (
        '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"X","id":"1","v":72.50}}]}'
    )
    medplum = ScriptedMedplum([httpx.Response(200, text=text)])
    assert "72.50" == str(medplum.store().find("X", [KEY])[0]["v"])
    assert isinstance(Decimal("72.50"), Decimal)


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        answer(500),
        answer(502),
        answer(503),
        answer(504),
        answer(401, outcome("login", "Unauthorized")),
        answer(400, outcome("invalid", "connect ECONNREFUSED 127.0.0.1:5433")),
        answer(200, []),
        answer(200, {"resourceType": "OperationOutcome"}),
        httpx.Response(200, text="<html>"),
    ],
)
def test_find_is_retried(trouble: httpx.Response | Exception) -> None:
    """Trouble on the way is met by another try, after a pause."""
    medplum = ScriptedMedplum([trouble, searchset(_patient("a"))])
    assert [_patient("a")] == medplum.store().find("Patient", [KEY])
    assert 1 == len(medplum.clock.pauses)


def test_retries_are_bounded() -> None:
    """After four tries the queue takes over; pauses grow, with jitter, and stay small."""
    medplum = ScriptedMedplum(always=answer(503))
    with pytest.raises(UnavailableError):
        medplum.store().find("Patient", [KEY])
    assert 4 == len(medplum.requests)
    assert all(0 <= pause <= 2.0 for pause in medplum.clock.pauses)


def test_small_quota_waits_are_waited_out() -> None:
    """A window that ends within seconds is waited for, at least as long as it says."""
    limit = '"requests";r=59000;t=57, "fhirInteractions";r=0;t=3'
    medplum = ScriptedMedplum([answer(429, RateLimit=limit), searchset()])
    medplum.store().find("Patient", [KEY])
    assert 6.0 <= medplum.clock.pauses[0] <= 7.0


def test_long_quota_waits_are_told() -> None:
    """A window that ends later is for the caller to plan with."""
    limit = '"requests";r=59000;t=57, "fhirInteractions";r=0;t=41'
    medplum = ScriptedMedplum([answer(429, outcome("throttled"), RateLimit=limit)])
    with pytest.raises(ThrottledError) as raised:
        medplum.store().find("Patient", [KEY])
    assert (41.0, []) == (raised.value.retry_after_s, medplum.clock.pauses)


@pytest.mark.parametrize("status", [400, 403, 404, 431])
def test_refused_searches_are_not_retried(status: int) -> None:
    """A search that Medplum refuses is a setting or a bug: somebody must act."""
    medplum = ScriptedMedplum([answer(status, outcome("invalid", "Unknown search parameter"))])
    with pytest.raises(ConfigurationError, match=f"status={status}, code=invalid"):
        medplum.store().find("Patient", [KEY])


@pytest.mark.parametrize(
    "trouble",
    [
        answer(400, outcome("invalid", "Unknown MRN-00417")),
        answer(503, outcome("exception", "MRN-00417")),
        httpx.ReadTimeout("MRN-00417"),
    ],
)
def test_errors_quote_nothing(trouble: httpx.Response | Exception) -> None:
    """Neither the error nor what it came from holds an identifier or a body."""
    medplum = ScriptedMedplum(always=trouble)
    with pytest.raises(MigrationError) as raised:
        medplum.store().find("Patient", [KEY])
    assert "MRN-00417" not in str(raised.value)
    shown = "".join(traceback.format_exception_only(raised.value))
    assert "MRN-00417" not in shown
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_sweep_follows_cursors_on_our_own_host() -> None:
    """A sweep reads by cursor, a thousand a page, whatever host the links name."""
    following = "http://internal/fhir/R4/Patient?_cursor=2-17&_count=1000&identifier=urn%3As%7C"
    pages = [searchset(_patient("a"), following=following), searchset(_patient("b")), searchset()]
    medplum = ScriptedMedplum(pages)
    swept = list(medplum.store().sweep("Patient", system="urn:s"))
    assert [[_patient("a")], [_patient("b")]] == swept
    assert [
        "GET Patient?identifier=urn%3As%7C&_sort=_lastUpdated&_count=1000",
        "GET Patient?_cursor=2-17&_count=1000&identifier=urn%3As%7C",
    ] == medplum.urls()


def test_sweep_whose_cursor_is_stuck() -> None:
    """Medplum cannot page through more than a page of one millisecond, and says so as a 500."""
    medplum = ScriptedMedplum(always=answer(500, CURSOR_STUCK))
    with pytest.raises(UnavailableError, match="share one lastUpdated"):
        list(medplum.store().sweep("Patient", system="urn:s"))


def test_sweep_that_links_to_itself() -> None:
    """A page that is its own successor would never end."""
    query = "identifier=urn%3As%7C&_sort=_lastUpdated&_count=1000"
    page = searchset(following=f"https://medplum.example/fhir/R4/Patient?{query}")
    with pytest.raises(UnavailableError, match="links to itself"):
        list(ScriptedMedplum([page]).store().sweep("Patient", system="urn:s"))


def test_quota_is_that_of_the_last_answer_that_told_it() -> None:
    """The budget is unknown until told, and then as last told."""
    limit = '"requests";r=59527;t=57, "fhirInteractions";r=49980;t=56'
    other = '"requests";r=59526;t=57'
    steps = [searchset(), answer(503, RateLimit=limit), answer(503, RateLimit=other), searchset()]
    medplum = ScriptedMedplum(steps)
    store = medplum.store()
    store.find("Patient", [KEY])
    assert store.quota() is None
    store.find("Patient", [KEY])
    quota = store.quota()
    assert quota is not None
    assert (49980, True) == (quota.remaining, 50 < quota.resets_in_s < 56)


def test_a_budget_is_forgotten_when_its_window_ends() -> None:
    """What was left in an old window says nothing about the next one."""
    page = {"resourceType": "Bundle", "entry": []}
    medplum = ScriptedMedplum([answer(200, page, RateLimit='"fhirInteractions";r=12;t=30')])
    store = medplum.store()
    store.find("Patient", [KEY])
    medplum.clock.advance(10)
    assert Quota(12, 20.0) == store.quota()

    medplum.clock.advance(20)
    assert store.quota() is None


@pytest.mark.parametrize("part", ["connect", "read", "write", "pool"])
def test_time_outs_are_mandatory(part: str) -> None:
    """A client that may wait for ever is refused."""
    timeouts: dict[str, float | None] = dict.fromkeys(["connect", "read", "write", "pool"], 1.0)
    with (
        httpx.Client(timeout=httpx.Timeout(**(timeouts | {part: None}))) as client,
        pytest.raises(ConfigurationError),
    ):
        MedplumHttp(client, clock=MemoryClock())


@pytest.mark.parametrize("base_url", ["https://medplum.example", "https://medplum.example/"])
def test_client(base_url: str) -> None:
    """The client speaks FHIR JSON below the base, bounded in time, by default and as told."""
    auth = client_credentials(base_url, lambda: ("me", "secret"), clock=MemoryClock())
    with (
        medplum_client(base_url, auth) as client,
        medplum_client(base_url, auth, timeout=httpx.Timeout(3.0), connections=1) as hasty,
    ):
        assert "https://medplum.example/fhir/R4/" == str(client.base_url)
        assert "application/fhir+json" == client.headers["Accept"]
        assert httpx.Timeout(30.0, connect=5.0) == client.timeout
        assert httpx.Timeout(3.0) == hasty.timeout
