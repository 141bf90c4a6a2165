"""A Medplum that answers from a script, for tests of what is sent and how answers are read."""

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import httpx

from medplum_migration.adapters.loading import Loading
from medplum_migration.adapters.medplum_http import MedplumHttp
from medplum_migration.adapters.memory import MemoryClock

BASE = "https://medplum.example/fhir/R4/"
Step: TypeAlias = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class ScriptedMedplum:
    """Gives the scripted answers one by one, or `always`; keeps the requests."""

    def __init__(self, steps: Iterable[Step] = (), *, always: Step | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self.clock = MemoryClock()
        self._steps = list(steps)
        self._always = always
        self.client = httpx.Client(
            base_url=BASE, transport=httpx.MockTransport(self._answer), timeout=5.0
        )

    def store(self, loading: Loading | None = None, **options: int) -> MedplumHttp:
        """Make the adapter under test."""
        return MedplumHttp(self.client, clock=self.clock, loading=loading, **options)

    def urls(self) -> list[str]:
        """Tell method and URL below the FHIR base of each request."""
        return [f"{r.method} {str(r.url).removeprefix(BASE)}" for r in self.requests]

    def form(self, number: int) -> dict[str, str]:
        """Read the form of a request."""
        return dict(parse_qsl(self.requests[number].content.decode()))

    def json(self, number: int) -> Any:
        """Read the body of a request."""
        return json.loads(self.requests[number].content)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self._steps.pop(0) if self._steps else self._always
        if isinstance(step, Exception):
            raise step
        if callable(step):
            return step(request)
        assert step is not None, "more requests than scripted"
        return step


def answer(status: int, body: object = None, **headers: str) -> httpx.Response:
    """Make an answer with a JSON body; `RateLimit` may be given as a header."""
    return httpx.Response(status, json=body, headers=headers)


def outcome(code: str, text: str = "", expression: str = "") -> dict[str, Any]:
    """Make an OperationOutcome."""
    issue: dict[str, Any] = {"severity": "error", "code": code, "details": {"text": text}}
    if expression:
        issue["expression"] = [expression]
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def searchset(*resources: dict[str, Any], following: str | None = None) -> httpx.Response:
    """Make a page of a search."""
    links = [{"relation": "self", "url": BASE}]
    links += [{"relation": "next", "url": following}] if following else []
    entries = [{"resource": resource} for resource in resources]
    return answer(200, {"resourceType": "Bundle", "entry": entries, "link": links})
