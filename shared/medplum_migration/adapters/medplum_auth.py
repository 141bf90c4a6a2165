"""OAuth2 client credentials for httpx: one token for all requests until it expires."""

import threading
from collections.abc import Callable, Generator
from typing import TypeAlias

import httpx

from medplum_migration.adapters.medplum_outcome import outcome_of, rate_limit, read_json
from medplum_migration.domain.errors import ConfigurationError, ThrottledError, UnavailableError
from medplum_migration.ports.clock import Clock

_MARGIN_S = 60.0

Credentials: TypeAlias = Callable[[], tuple[str, str]]
"""Tells the client's id and secret, as they are now."""

_Flow = Generator[httpx.Request, httpx.Response, str]


class ClientCredentials(httpx.Auth):
    """Fetches a token when there is none, and once more when a request gets 401.

    Id and secret are asked for with each token, so that a rotated secret is picked up.
    Medplum limits token requests (160 a minute and address), and forgets all tokens when its Redis
    starts empty. Threads that need a token at once share one.
    """

    requires_response_body = True

    def __init__(self, token_url: str, credentials: Credentials, *, clock: Clock) -> None:
        self._url = token_url
        self._credentials = credentials
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._expires_at = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request with a token, and again with a new one if the first is refused.

        Raises:
            ConfigurationError: Medplum refuses the client's id or secret.
            ThrottledError: too many token requests.
            UnavailableError: no token could be had.

        """
        token = yield from self._get(request, refused="")
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            token = yield from self._get(request, refused=token)
            request.headers["Authorization"] = f"Bearer {token}"
            yield request

    def _get(self, request: httpx.Request, *, refused: str) -> _Flow:
        with self._lock:
            if self._token in {"", refused} or self._clock.now() >= self._expires_at:
                client_id, client_secret = self._credentials()
                form = {
                    "grant_type": "client_credentials",
                    "client_id": client_id,
                    "client_secret": client_secret,
                }
                response = yield httpx.Request(
                    "POST", self._url, data=form, extensions=request.extensions
                )
                self._keep(response)
            return self._token

    def _keep(self, response: httpx.Response) -> None:
        body = read_json(response)
        if response.status_code != httpx.codes.OK:
            raise _error(response, body)
        if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
            reason = "Medplum answered a token request without a token"
            raise UnavailableError(reason, service="medplum", status=response.status_code)
        lifetime_s = float(body.get("expires_in", 0))
        self._token = body["access_token"]
        self._expires_at = self._clock.now() + max(lifetime_s - _MARGIN_S, lifetime_s / 2)


def _error(
    response: httpx.Response, body: object
) -> ConfigurationError | ThrottledError | UnavailableError:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        wait_s = outcome_of(body).retry_after_s or rate_limit(response).retry_after_s
        return ThrottledError("too many token requests", retry_after_s=wait_s)
    if isinstance(body, dict) and "error" in body and status < httpx.codes.INTERNAL_SERVER_ERROR:
        reason = "Medplum refuses the client id or its secret"
        return ConfigurationError(reason, service="medplum", status=status)
    return UnavailableError("Medplum gave no token", service="medplum", status=status)
