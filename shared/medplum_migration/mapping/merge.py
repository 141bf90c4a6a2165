"""Merging: what a mapping owns comes from the mapped resource, all else stays as it is."""

from medplum_migration.domain.data_element import Resource
from medplum_migration.fhir import elements
from medplum_migration.mapping import path
from medplum_migration.mapping.part import Owned, Shape, is_tombstone

_SERVER_META = ("versionId", "lastUpdated", "author", "project", "compartment")


def merge(current: Resource | None, mapped: Resource, shape: Shape) -> Resource:
    """Lay a mapped resource or a tombstone over the current one; shares nothing with either.

    `meta.source` is taken from `mapped` when it is there. What the server writes is dropped.
    """
    if current is None:
        return path.without(mapped)
    merged = path.without(current)
    if is_tombstone(current):
        _drop_placeholders(merged, shape)
    for entry in shape.owned:
        _lay(merged, mapped, entry)
    if is_tombstone(mapped):
        _bury(merged, current, shape)
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


def _drop_placeholders(merged: Resource, shape: Shape) -> None:
    """Take out what a tombstone wrote only because FHIR demands it."""
    for name, value in shape.grave.needs.items():
        if merged.get(name) == value:
            del merged[name]


def _bury(merged: Resource, current: Resource, shape: Shape) -> None:
    """Keep what FHIR demands as it was, or say that it is absent; drop what contradicts."""
    for name in shape.grave.drops:
        merged.pop(name, None)
    for name, value in shape.grave.needs.items():
        plain = name.removeprefix("_")
        choice = {plain, f"_{plain}"}
        for rival in elements.rivals(shape.resource, plain):
            choice |= {rival, f"_{rival}"}
        held = {each: current[each] for each in choice if each in current}
        for each in choice:
            merged.pop(each, None)
        merged.update(path.copy(held or {name: value}))
