"""Merging: what a mapping owns comes from the mapped resource, all else stays as it is."""

from collections.abc import Iterable

from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping import path
from medplum_migration.mapping.declaration import Owned

_SERVER_META = ("versionId", "lastUpdated", "author", "project", "compartment")


def merge(current: Resource | None, mapped: Resource, owned: Iterable[Owned]) -> Resource:
    """Lay a mapped resource over the current one; shares nothing with either.

    `meta.source` is taken from `mapped` when it is there. What the server writes is dropped.
    """
    if current is None:
        return path.without(mapped)
    merged: Resource = path.without(current)
    for entry in owned:
        _lay(merged, mapped, entry)
    meta = merged.pop("meta", {})
    source = mapped.get("meta", {}).get("source")
    kept = {key: value for key, value in meta.items() if key not in _SERVER_META}
    if source is not None:
        kept["source"] = source
    return merged | {"meta": kept} if kept else merged


def _lay(merged: Resource, mapped: Resource, entry: Owned) -> None:
    values = list(path.read(mapped, entry.steps))
    if not values:
        path.remove(merged, entry.steps)
        return
    path.write(merged, entry.steps, path.copy(values[0]))
    for name in entry.rivals:
        merged.pop(name, None)
        merged.pop(f"_{name}", None)
