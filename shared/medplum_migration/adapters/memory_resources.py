"""Resources in memory, with ids, versions and an index of identifiers; what is stored is frozen."""

import copy
import itertools
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.identity import Identifier

_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
_SERVER_META = ("versionId", "lastUpdated")


class MemoryResources:
    """Current resources and their histories; each change is one millisecond after the last."""

    def __init__(self) -> None:
        self._current: dict[tuple[str, str], Resource] = {}
        self._histories: dict[tuple[str, str], tuple[Resource, ...]] = {}
        self._index: dict[tuple[str, Identifier], dict[str, None]] = {}
        self._ticks = itertools.count(1)

    def __copy__(self) -> Self:
        twin = type(self)()
        vars(twin).update(
            _current=dict(self._current),
            _histories=dict(self._histories),
            _index={key: dict(ids) for key, ids in self._index.items()},
        )
        return twin

    def get(self, resource_type: str, resource_id: str) -> Resource | None:
        """Read a live resource; not to be changed."""
        return self._current.get((resource_type, resource_id))

    def history(self, resource_type: str, resource_id: str) -> tuple[Resource, ...]:
        """Read all versions of a resource, oldest first, deleted or not."""
        return self._histories.get((resource_type, resource_id), ())

    def all(self, resource_type: str) -> list[Resource]:
        """Read all live resources of a type, by `_lastUpdated`."""
        found = [r for (kind, _), r in self._current.items() if kind == resource_type]
        return sorted(found, key=lambda r: str(r["meta"]["lastUpdated"]))

    def find(self, resource_type: str, identifiers: Sequence[Identifier]) -> list[Resource]:
        """Find live resources that carry one of the identifiers, each once."""
        found: dict[str, Resource] = {}
        for identifier in identifiers:
            for resource_id in self._index.get((resource_type, identifier), ()):
                resource = self.get(resource_type, resource_id)
                if resource is not None and carries(resource, identifier):
                    found[resource_id] = resource
        return list(found.values())

    def with_system(self, resource_type: str, system: str) -> list[Resource]:
        """Find live resources with any identifier of a system, by `_lastUpdated`."""
        return [r for r in self.all(resource_type) if any(i.system == system for i in _all_of(r))]

    def create(self, body: Resource) -> Resource:
        """Store a resource under a new id; one in the body is ignored."""
        return self._store(str(uuid.UUID(int=next(self._ticks), version=4)), body)

    def update(self, resource_id: str, body: Resource) -> Resource:
        """Store content under an id; equal content keeps the version."""
        held = self.get(body["resourceType"], resource_id)
        if held is not None and _content({**body, "id": resource_id}) == _content(held):
            return held
        return self._store(resource_id, body)

    def delete(self, resource_type: str, resource_id: str) -> None:
        """Delete a resource; its history stays."""
        self._current.pop((resource_type, resource_id), None)

    def _store(self, resource_id: str, body: Resource) -> Resource:
        tick = next(self._ticks)
        stored: dict[str, Any] = copy.deepcopy({**body, "id": resource_id})
        stored["meta"] = {
            **stored.get("meta", {}),
            "versionId": str(uuid.UUID(int=tick, version=4)),
            "lastUpdated": (_EPOCH + timedelta(milliseconds=tick)).isoformat("T", "milliseconds"),
        }
        key = stored["resourceType"], resource_id
        self._current[key] = stored
        self._histories[key] = (*self.history(*key), stored)
        for identifier in _all_of(stored):
            self._index.setdefault((key[0], identifier), {})[resource_id] = None
        return stored


def carries(resource: Resource, identifier: Identifier) -> bool:
    """Tell whether a resource has an identifier, compared exactly."""
    return identifier in _all_of(resource)


def _all_of(resource: Resource) -> Iterator[Identifier]:
    held = resource.get("identifier", [])
    for entry in held if isinstance(held, list) else [held]:
        yield Identifier(entry.get("system", ""), entry.get("value", ""))


def _content(resource: Resource) -> Resource:
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in _SERVER_META}
    return {**resource, "meta": meta}
