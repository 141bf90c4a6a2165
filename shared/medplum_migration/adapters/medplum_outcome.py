"""What an answer says besides its content: OperationOutcome and the `RateLimit` header."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from medplum_migration.ports.fhir_store import Quota

QUOTA_WINDOW_S = 60.0

_POLICY = re.compile(r'"(?P<name>\w+)"\s*;\s*r=(?P<r>\d+)\s*;\s*t=(?P<t>\d+)')
_WAIT_MS = re.compile(r'"_msBeforeNext"\s*:\s*(\d+)')
_CODE = re.compile(r"[a-z-]{1,40}")
_PATH = re.compile(r"[\w.\[\]]{1,200}", re.ASCII)
_INFRASTRUCTURE = re.compile(
    r"ECONN|ETIMEDOUT|EPIPE|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|time-?out|timed out|terminat"
    r"|connection|connect |socket|redis|too many clients|shutting down|starting up|recovery mode",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The first error of an OperationOutcome; `text` is for matching only, never for people."""

    code: str = ""
    path: str = ""
    text: str = ""
    has_expression: bool = False
    retry_after_s: float = 0.0

    @property
    def names_infrastructure(self) -> bool:
        """Whether Medplum dresses trouble with its database as an error of the request."""
        return not self.has_expression and _INFRASTRUCTURE.search(self.text) is not None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The `RateLimit` header: the FHIR quota, and the wait until the emptiest bucket is full."""

    quota: Quota | None
    retry_after_s: float


def read_json(response: httpx.Response) -> Any:  # noqa: ANN401 because JSON may be anything
    """Parse a body, with decimals digit by digit; None when it is not JSON."""
    try:
        return json.loads(response.content, parse_float=Decimal)
    except ValueError:
        return None


def outcome_of(body: object) -> Outcome:
    """Read an OperationOutcome; an empty one for anything else."""
    if not isinstance(body, dict) or not isinstance(body.get("issue"), list):
        return Outcome()
    issues = [issue for issue in body["issue"] if isinstance(issue, dict)]
    errors = [issue for issue in issues if issue.get("severity") in {"error", "fatal"}]
    return _outcome((errors or issues or [{}])[0])


def rate_limit(response: httpx.Response) -> RateLimit:
    """Read the `RateLimit` header: `"requests";r=59527;t=57, "fhirInteractions";r=0;t=57`."""
    policies = {
        found["name"]: Quota(int(found["r"]), float(found["t"]))
        for found in _POLICY.finditer(response.headers.get("RateLimit", ""))
    }
    waits = [policy.resets_in_s for policy in policies.values() if policy.remaining == 0]
    return RateLimit(policies.get("fhirInteractions"), max(waits, default=QUOTA_WINDOW_S))


def _outcome(issue: dict[str, Any]) -> Outcome:
    details, expression = issue.get("details"), issue.get("expression")
    text = details.get("text") if isinstance(details, dict) else ""
    wait = _WAIT_MS.search(str(issue.get("diagnostics", "")))
    first = str(expression[0]) if isinstance(expression, list) and expression else ""
    code = str(issue.get("code", ""))
    return Outcome(
        code=code if _CODE.fullmatch(code) else "",
        path=first if _PATH.fullmatch(first) else "",
        text=str(text or ""),
        has_expression=bool(first),
        retry_after_s=int(wait[1]) / 1000 if wait else 0.0,
    )
