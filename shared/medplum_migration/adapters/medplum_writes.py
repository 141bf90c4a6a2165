"""Sends planned writes and reads every answer; nothing is sent twice but refused bundles."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from medplum_migration.adapters.loading import Group, Lane, Loading
from medplum_migration.adapters.medplum_answers import Answer, classify, entry_answer
from medplum_migration.adapters.medplum_exchange import Exchange
from medplum_migration.adapters.medplum_outcome import outcome_of
from medplum_migration.adapters.medplum_requests import Request, batch, prepare
from medplum_migration.domain.errors import ThrottledError, UnavailableError
from medplum_migration.ports.fhir_store import Write, WriteResult, WriteStatus

POINTS_PER_WRITE, POINTS_PER_CONDITION = 100, 20
_OK, _TOO_MANY = 200, 429
_BAD_BUNDLE = frozenset({400, 413, 422})
_EXISTS = "exists"

Numbered = tuple[int, WriteResult]


class MedplumWrites:
    """Executes writes by a loading strategy."""

    def __init__(self, exchange: Exchange, loading: Loading) -> None:
        self._exchange = exchange
        self._loading = loading

    def execute(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Send writes; one result each, in order."""
        prepared = [prepare(number, write) for number, write in enumerate(writes)]
        requests = [p for p in prepared if isinstance(p, Request)]
        lanes = self._loading.plan(requests, metered=self._exchange.is_metered)
        results = dict(self._all(lanes))
        return [
            results[number] if isinstance(p, Request) else p for number, p in enumerate(prepared)
        ]

    def _all(self, lanes: Sequence[Lane]) -> list[Numbered]:
        if len(lanes) <= 1:
            return list(chain.from_iterable(map(self._lane, lanes)))
        with ThreadPoolExecutor(min(self._loading.workers, len(lanes))) as pool:
            return list(chain.from_iterable(pool.map(self._lane, lanes)))

    def _lane(self, lane: Lane) -> list[Numbered]:
        """Send groups in order, but none after one that was throttled or got no answer at all.

        The rest would be throttled too, or each wait for its own time-out.
        """
        results: list[Numbered] = []
        for group in lane:
            last = results[-1][1] if results else None
            if last is not None and _ends_lane(last):
                results.extend((request.number, last) for request in group)
            else:
                results.extend(self._group(group))
        return results

    def _group(self, group: Group) -> list[Numbered]:
        if len(group) == 1:
            return [self._single(group[0])]
        answer = self._send("POST", "", content=batch(group))
        if answer.status in _BAD_BUNDLE and not outcome_of(answer.body).names_infrastructure:
            # One entry can spoil a bundle, so each gets an answer of its own.
            return [self._single(request) for request in group]
        return list(self._entries(group, answer))

    def _single(self, request: Request) -> Numbered:
        answer = self._send(
            request.method, request.path, content=request.body, headers=request.headers
        )
        result = classify(request.write, answer)
        self._exchange.spend(_points(request, result, searches=1))
        return request.number, result

    def _entries(self, group: Group, answer: Answer) -> Iterator[Numbered]:
        """Read the answer to a batch; an entry without an answer is unknown."""
        body = answer.body if isinstance(answer.body, dict) else {}
        entries = body.get("entry")
        told = entries if answer.status == _OK and isinstance(entries, list) else []
        usable = told if len(told) <= len(group) else []
        whole = answer if answer.status == _TOO_MANY else Answer()
        for position, request in enumerate(group):
            entry = whole
            if position < len(usable):
                entry = entry_answer(usable[position], retry_after_s=answer.retry_after_s)
            result = classify(request.write, entry)
            self._exchange.spend(_points(request, result, searches=2))
            yield request.number, result

    def _send(
        self, method: str, path: str, *, content: bytes, headers: dict[str, str] | None = None
    ) -> Answer:
        try:
            return self._exchange.send(method, path, content=content, headers=headers)
        except ThrottledError as error:
            return Answer(_TOO_MANY, retry_after_s=error.retry_after_s)
        except UnavailableError:
            return Answer()


def _points(request: Request, result: WriteResult, *, searches: int) -> int:
    """Count by Medplum's list: a write 100, each search of a condition 20, a refusal for quota 0.

    What is unknown is counted as if it had been executed.
    """
    if result.status is WriteStatus.THROTTLED:
        return 0
    if not request.is_create:
        return POINTS_PER_WRITE
    return POINTS_PER_CONDITION * searches + (0 if result.reason == _EXISTS else POINTS_PER_WRITE)


def _ends_lane(result: WriteResult) -> bool:
    unanswered = result.status is WriteStatus.UNKNOWN and not result.http_status
    return unanswered or result.status is WriteStatus.THROTTLED
