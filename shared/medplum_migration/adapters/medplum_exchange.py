"""One request to Medplum and its answer; transport errors translated, quota and points noted."""

import threading

import httpx

from medplum_migration.adapters.medplum_answers import Answer
from medplum_migration.adapters.medplum_outcome import rate_limit, read_json
from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.ports.clock import Clock
from medplum_migration.ports.fhir_store import Quota


class Exchange:
    """Sends through an httpx client whose base URL is the FHIR base; shared by threads."""

    def __init__(self, client: httpx.Client, *, clock: Clock) -> None:
        timeout = client.timeout
        if None in {timeout.connect, timeout.read, timeout.write, timeout.pool}:
            reason = "an HTTP client without time-outs hangs when Medplum's Redis is away"
            raise ConfigurationError(reason)
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._points = 0
        self._quota: Quota | None = None
        self._told_at = 0.0

    @property
    def points(self) -> int:
        """The points spent so far."""
        return self._points

    @property
    def quota(self) -> Quota | None:
        """The budget as of the last answer that told it; None once its window has ended."""
        quota = self._quota
        if quota is None:
            return None
        left_s = quota.resets_in_s - (self._clock.now() - self._told_at)
        return Quota(quota.remaining, left_s) if left_s > 0 else None

    @property
    def is_metered(self) -> bool:
        """Whether the server has ever told a budget."""
        return self._quota is not None

    def spend(self, points: int) -> None:
        """Note what a request has cost."""
        with self._lock:
            self._points += points

    def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request once.

        Raises:
            UnavailableError: no answer came; the request may have been executed.

        """
        kind = {} if content is None else {"Content-Type": "application/fhir+json"}
        try:
            response = self._client.request(
                method, path, content=content, data=form, headers=kind | (headers or {})
            )
        except httpx.HTTPError as error:
            reason = "Medplum did not answer"
            raise UnavailableError(reason, service="medplum", code=type(error).__name__) from None
        return self._read(response)

    def _read(self, response: httpx.Response) -> Answer:
        limit = rate_limit(response)
        if limit.quota is not None:
            self._quota, self._told_at = limit.quota, self._clock.now()
        return Answer(
            status=response.status_code,
            body=read_json(response),
            etag=response.headers.get("ETag", ""),
            location=response.headers.get("Location", ""),
            retry_after_s=limit.retry_after_s,
        )
