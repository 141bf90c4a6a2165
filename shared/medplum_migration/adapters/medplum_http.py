"""Port `FhirStore` on Medplum over HTTP."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from medplum_migration.adapters.loading import Auto, Loading
from medplum_migration.adapters.medplum_answers import Answer
from medplum_migration.adapters.medplum_auth import ClientCredentials, Credentials
from medplum_migration.adapters.medplum_exchange import Exchange
from medplum_migration.adapters.medplum_outcome import outcome_of
from medplum_migration.adapters.medplum_writes import MedplumWrites
from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import ConfigurationError, ThrottledError, UnavailableError
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.clock import Clock
from medplum_migration.ports.fhir_store import Quota, Write, WriteResult

POINTS_PER_SEARCH = 20
_COUNT = "1000"
_SMALL_WAIT_S = 5.0
_FIRST_PAUSE_S = 0.25
_REFUSALS = frozenset({400, 403, 404, 405, 410, 413, 415, 422, 431})


def medplum_client(
    base_url: str,
    auth: httpx.Auth,
    *,
    timeout: httpx.Timeout | None = None,
    connections: int = 8,
) -> httpx.Client:
    """Make a client for the FHIR API below `base_url`, with time-outs and kept-alive connections.

    Keep `connections` at the loading strategy's `workers` or above.
    """
    return httpx.Client(
        base_url=f"{base_url.rstrip('/')}/fhir/R4/",
        auth=auth,
        timeout=timeout or httpx.Timeout(30.0, connect=5.0),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        headers={"Accept": "application/fhir+json"},
    )


def client_credentials(
    base_url: str, credentials: Credentials, *, clock: Clock
) -> ClientCredentials:
    """Make the authentication of a Medplum ClientApplication."""
    url = f"{base_url.rstrip('/')}/oauth2/token"
    return ClientCredentials(url, credentials, clock=clock)


class MedplumHttp:
    """Reads are retried up to `attempts` times, writes never: search before repeating one.

    `search_size` identifiers go into one search: with longer lists Medplum's database may scan.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        clock: Clock,
        loading: Loading | None = None,
        attempts: int = 4,
        search_size: int = 100,
    ) -> None:
        self._exchange = Exchange(client, clock=clock)
        self._writes = MedplumWrites(self._exchange, loading or Auto())
        self._search_size = search_size
        self._retrying = Retrying(
            stop=stop_after_attempt(attempts),
            wait=_wait_s,
            retry=retry_if_exception(_is_worth_a_retry),
            sleep=clock.pause,
            reraise=True,
        )

    def find(self, resource_type: str, identifiers: Sequence[Identifier]) -> list[Resource]:
        """Search for all live resources that carry one of the identifiers."""
        tokens = list(dict.fromkeys(identifier.token() for identifier in identifiers))
        found: dict[str, Resource] = {}
        for start in range(0, len(tokens), self._search_size):
            some = ",".join(tokens[start : start + self._search_size])
            form = {"identifier": some, "_count": _COUNT}
            for page in self._pages(resource_type, form, self._post_search):
                found.update((resource["id"], resource) for resource in page)
        return list(found.values())

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Execute independent writes; one result each, in order."""
        return self._writes.execute(writes)

    def sweep(self, resource_type: str, *, system: str) -> Iterator[list[Resource]]:
        """Page through all live resources with an identifier of `system`, by `_lastUpdated`."""
        criteria = Identifier(system, "").token()
        query = {"identifier": criteria, "_sort": "_lastUpdated", "_count": _COUNT}
        yield from self._pages(resource_type, query, self._get_search)

    def quota(self) -> Quota | None:
        """Tell the budget as of the last answer; None when the server has not said."""
        return self._exchange.quota

    def points_spent(self) -> int:
        """Tell the quota points spent by this adapter's requests so far, by Medplum's list."""
        return self._exchange.points

    def _pages(
        self,
        resource_type: str,
        query: dict[str, str],
        search: Callable[[str, dict[str, str]], Answer],
    ) -> Iterator[list[Resource]]:
        """Search, then follow `next` links, whatever host they name."""
        following: dict[str, str] | None = query
        while following is not None:
            bundle = self._retrying(self._search, resource_type, following, search)
            page = _resources(bundle, resource_type)
            if page:
                yield page
            following = _next(bundle, following)

    def _search(
        self,
        resource_type: str,
        query: dict[str, str],
        search: Callable[[str, dict[str, str]], Answer],
    ) -> dict[str, Any]:
        answer = search(resource_type, query)
        self._exchange.spend(POINTS_PER_SEARCH)
        return _bundle(answer)

    def _post_search(self, resource_type: str, query: dict[str, str]) -> Answer:
        # Identifiers stay out of URLs, which proxies log and Node cuts off at 16 KB.
        return self._exchange.send("POST", f"{resource_type}/_search", form=query)

    def _get_search(self, resource_type: str, query: dict[str, str]) -> Answer:
        return self._exchange.send("GET", f"{resource_type}?{httpx.QueryParams(query)}")


def _bundle(answer: Answer) -> dict[str, Any]:
    """Accept a searchset, or raise what the answer means for a search."""
    outcome, status = outcome_of(answer.body), answer.status
    if status == httpx.codes.TOO_MANY_REQUESTS:
        wait_s = outcome.retry_after_s or answer.retry_after_s
        reason = "the quota of FHIR interactions is used up"
        raise ThrottledError(reason, retry_after_s=wait_s)
    if status in _REFUSALS and not outcome.names_infrastructure:
        reason = "Medplum refuses a search"
        raise ConfigurationError(reason, service="medplum", status=status, code=outcome.code)
    if "Cursor fails to make progress" in outcome.text:
        reason = "too many resources share one lastUpdated: the sweep cannot go on"
        raise UnavailableError(reason, service="medplum", status=status)
    body: dict[str, Any] = answer.body
    if status != httpx.codes.OK or not _is_bundle(body):
        reason = "Medplum did not answer a search"
        raise UnavailableError(reason, service="medplum", status=status)
    return body


def _is_bundle(body: object) -> bool:
    return isinstance(body, dict) and body.get("resourceType") == "Bundle"


def _resources(bundle: dict[str, Any], resource_type: str) -> list[Resource]:
    entries = [entry.get("resource") for entry in bundle.get("entry", [])]
    return [r for r in entries if r is not None and r.get("resourceType") == resource_type]


def _next(bundle: dict[str, Any], current: dict[str, str]) -> dict[str, str] | None:
    links = (link["url"] for link in bundle.get("link", []) if link.get("relation") == "next")
    url = next(links, None)
    if url is None:
        return None
    following = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    if following == current:
        reason = "a page of a search links to itself"
        raise UnavailableError(reason, service="medplum")
    return following


def _is_worth_a_retry(error: BaseException) -> bool:
    if isinstance(error, ThrottledError):
        return error.retry_after_s <= _SMALL_WAIT_S
    return isinstance(error, UnavailableError)


def _wait_s(state: RetryCallState) -> float:
    """Back off with jitter; after a refusal for quota, until it returns.

    A clock may cut a pause to half of what it is asked for, hence twice the wait.
    """
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ThrottledError):
        return 2 * error.retry_after_s + random.random()  # noqa: S311 because nothing is secret
    return random.uniform(0.0, _FIRST_PAUSE_S * 2.0**state.attempt_number)  # noqa: S311 because as above
