"""Writes as bytes: requests of their own, or entries of a batch; never unguarded."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from medplum_migration.domain.identity import Identifier
from medplum_migration.fhir.canonical import dumps
from medplum_migration.ports.fhir_store import (
    ConditionalCreate,
    GuardedUpdate,
    Write,
    WriteResult,
    WriteStatus,
)

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request:
    """A write ready to be sent; `number` is its place among the writes asked for."""

    number: int
    write: Write
    resource_type: str
    body: bytes

    @property
    def is_create(self) -> bool:
        """Whether it is a conditional create."""
        return isinstance(self.write, ConditionalCreate)

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "POST" if self.is_create else "PUT"

    @property
    def path(self) -> str:
        """The URL below the FHIR base."""
        if isinstance(self.write, ConditionalCreate):
            return self.resource_type
        return f"{self.resource_type}/{self.write.resource_id}"

    @property
    def headers(self) -> dict[str, str]:
        """The precondition. Medplum ignores `If-Match` silently unless the version is quoted."""
        if isinstance(self.write, ConditionalCreate):
            return {"If-None-Exist": _criteria(self.write.identifier)}
        return {"If-Match": _tag(self.write)}

    def entry(self) -> bytes:
        """Render as an entry of a batch."""
        if isinstance(self.write, ConditionalCreate):
            condition = {"ifNoneExist": _criteria(self.write.identifier)}
        else:
            condition = {"ifMatch": _tag(self.write)}
        request = json.dumps({"method": self.method, "url": self.path, **condition})
        return b'{"request":' + request.encode() + b',"resource":' + self.body + b"}"


def prepare(number: int, write: Write) -> Request | WriteResult:
    """Make a request of a write, or tell why it must not be sent."""
    resource_type = str(write.body.get("resourceType", ""))
    fault = _fault(write, resource_type)
    if fault:
        return WriteResult(WriteStatus.REFUSED, reason=fault)
    content = {name: value for name, value in write.body.items() if name != "id"}
    if isinstance(write, GuardedUpdate):
        content["id"] = write.resource_id
    try:
        return Request(number, write, resource_type, dumps(content))
    except (TypeError, ValueError):
        return WriteResult(WriteStatus.REFUSED, reason="not-json")


def batch(requests: Iterable[Request]) -> bytes:
    """Render a batch; `urn:uuid` is never used in it, so entries need no `fullUrl`."""
    entries = b",".join(request.entry() for request in requests)
    return b'{"resourceType":"Bundle","type":"batch","entry":[' + entries + b"]}"


def _fault(write: Write, resource_type: str) -> str:
    if not _TYPE.fullmatch(resource_type):
        return "no-resource-type"
    if isinstance(write, ConditionalCreate):
        # Medplum does not check it, and the next run would create the resource again.
        return "" if _carries(write) else "identifier-not-in-body"
    is_guarded = _ID.fullmatch(write.version_id) and _ID.fullmatch(write.resource_id)
    return "" if is_guarded else "unguarded-update"


def _carries(write: ConditionalCreate) -> bool:
    held = write.body.get("identifier", [])
    wanted = {"system": write.identifier.system, "value": write.identifier.value}
    found = held if isinstance(held, list) else [held]
    return any(isinstance(e, dict) and wanted.items() <= e.items() for e in found)


def _criteria(identifier: Identifier) -> str:
    return f"identifier={quote(identifier.token(), safe='')}"


def _tag(write: GuardedUpdate) -> str:
    return f'W/"{write.version_id}"'
