"""Tokens: fetched once, reused, fetched again when they expire or are refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from medplum_migration.adapters.medplum_http import client_credentials, medplum_client
from medplum_migration.adapters.memory import MemoryClock
from medplum_migration.domain.errors import (
    ConfigurationError,
    MigrationError,
    ThrottledError,
    UnavailableError,
)

Handler = Callable[[httpx.Request], httpx.Response]


class Server:
    """A server that knows one token at a time; `tokens` counts those it gave."""

    def __init__(self) -> None:
        self.tokens = 0
        self.known = ""
        self.seen: list[httpx.Request] = []
        self.token_answer: httpx.Response | None = None
        self.clock = MemoryClock()

    def client(self, base_url: str = "https://medplum.example") -> httpx.Client:
        """Make a client of this server."""
        auth = client_credentials(base_url, lambda: ("me", "secret"), clock=self.clock)
        real = medplum_client(base_url, auth)
        headers, url, limits = real.headers, real.base_url, real.timeout
        real.close()
        transport = httpx.MockTransport(self._answer)
        return httpx.Client(
            auth=auth, base_url=url, headers=headers, timeout=limits, transport=transport
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if request.url.path == "/oauth2/token":
            return self.token_answer or self._token()
        known = request.headers["Authorization"] == f"Bearer {self.known}"
        return httpx.Response(200 if known else 401, json={})

    def _token(self) -> httpx.Response:
        self.tokens += 1
        self.known = f"t{self.tokens}"
        return httpx.Response(200, json={"access_token": self.known, "expires_in": 3600})


@pytest.mark.parametrize("base_url", ["https://medplum.example", "https://medplum.example/"])
def test_token_request(base_url: str) -> None:
    """Client credentials go as a form, to the token endpoint beside the FHIR base."""
    server = Server()
    with server.client(base_url) as client:
        client.get("Patient")
    form = b"grant_type=client_credentials&client_id=me&client_secret=secret"
    assert form == server.seen[0].content
    assert [
        "https://medplum.example/oauth2/token",
        "https://medplum.example/fhir/R4/Patient",
    ] == [str(request.url) for request in server.seen]


def test_token_requests_have_time_outs() -> None:
    """A token request is bounded like any other: with Redis away Medplum never answers."""
    server = Server()
    with server.client() as client:
        client.get("Patient")
    timeouts = [request.extensions["timeout"] for request in server.seen]
    assert timeouts[0] == timeouts[1]
    assert all(timeouts[0].values())


def test_one_token_serves_all_requests() -> None:
    """Medplum allows 160 token requests a minute, so two hundred requests share one token."""
    server = Server()
    with server.client() as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get("Patient").status_code, range(200)))
    assert ({200}, 1) == (set(answers), server.tokens)


@pytest.mark.parametrize(("elapsed_s", "tokens"), [(3539, 1), (3540, 2), (9999, 2)])
def test_token_expires(elapsed_s: float, tokens: int) -> None:
    """A token is replaced a minute before its time is up."""
    server = Server()
    with server.client() as client:
        client.get("Patient")
        server.clock.advance(elapsed_s)
        client.get("Patient")
    assert tokens == server.tokens


def test_refused_token_is_replaced_once() -> None:
    """After a 401 one new token is fetched and the request repeated; a caller sees nothing."""
    server = Server()
    with server.client() as client:
        client.get("Patient")
        server.known = "forgotten"
        assert client.get("Patient").status_code == 200
    assert 2 == server.tokens


def test_two_refusals_end_the_matter() -> None:
    """A new token that is refused too is not replaced again."""
    server = Server()
    answer = httpx.Response(200, json={"access_token": "useless", "expires_in": 60})
    server.token_answer = answer
    with server.client() as client:
        assert client.get("Patient").status_code == 401
    paths = ["/oauth2/token", "/fhir/R4/Patient"]
    assert paths * 2 == [request.url.path for request in server.seen]


def test_threads_replace_a_refused_token_together() -> None:
    """Eight threads that meet a forgotten token fetch one new one."""
    server = Server()
    with server.client() as client, ThreadPoolExecutor(8) as pool:
        client.get("Patient")
        server.known = "forgotten"
        answers = list(pool.map(lambda _: client.get("Patient").status_code, range(8)))
    assert ({200}, 2) == (set(answers), server.tokens)


def _answer(status: int, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


_REFUSED = {"error": "invalid_request", "error_description": "Invalid secret"}
_DATABASE_AWAY = {"issue": [{"code": "invalid", "details": {"text": "connect ECONNREFUSED"}}]}
_LIMIT = {"RateLimit": '"requests";r=0;t=31'}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (_answer(400, _REFUSED), ConfigurationError),
        (_answer(400, _DATABASE_AWAY), UnavailableError),
        (_answer(500, {"error": "server_error"}), UnavailableError),
        (_answer(503, None), UnavailableError),
        (httpx.Response(502, text="<html>"), UnavailableError),
        (_answer(200, {"token_type": "Bearer"}), UnavailableError),
        (_answer(200, []), UnavailableError),
        (_answer(429, {}, _LIMIT), ThrottledError),
    ],
)
def test_no_token(answer: httpx.Response, error: type[MigrationError]) -> None:
    """Without a token it is told who acts next, without the secret."""
    server = Server()
    server.token_answer = answer
    with server.client() as client, pytest.raises(error) as raised:
        client.get("Patient")
    assert "secret" not in str(raised.value).replace("its secret", "")
    assert raised.value.__cause__ is None


def test_token_limit_tells_the_wait() -> None:
    """Too many token requests: the header says for how long."""
    server = Server()
    server.token_answer = _answer(429, {}, _LIMIT)
    with server.client() as client, pytest.raises(ThrottledError) as raised:
        client.get("Patient")
    assert 31.0 == raised.value.retry_after_s
