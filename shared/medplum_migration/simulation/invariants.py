"""What must hold: after every change of Medplum, and once nothing is under way."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medplum_migration.adapters.manifest_table import ManifestTable
from medplum_migration.adapters.memory import MemoryTable
from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.adapters.memory_resources import MemoryResources
from medplum_migration.adapters.quarantine_table import QuarantineTable
from medplum_migration.domain.checkpoint import Disposition
from medplum_migration.domain.data_element import LegacyRecord, Resource
from medplum_migration.domain.errors import PermanentError
from medplum_migration.domain.identity import Identifier
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.mapping.part import is_tombstone
from medplum_migration.phases.draft import (
    identifiers_of,
    newest,
    order_of,
    wanted_resources,
)
from medplum_migration.ports.quarantine import QuarantineEntry
from medplum_migration.simulation.stores import live

_WRONGLY = "I5: a record that could be migrated is held back"
Elements = Mapping[str, ElementMapping[Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be there at rest: all `keys` when a backfill was `whole`, else those captured.

    Protocols that are not `fenced` write no versions and no manifest.
    """

    keys: Mapping[str, set[str]]
    whole: bool
    fenced: bool


def stepwise(before: MemoryResources, after: MemoryResources) -> str:
    """Check I1 (versions only grow) and I4 (one live resource per identifier)."""
    carried = Counter(name for resource in live(after) for name in set(identifiers_of(resource)))
    if any(number > 1 for number in carried.values()):
        return "I4: two live resources carry one identifier"
    held = {(r["resourceType"], r["id"]): order_of(r) for r in live(before)}
    for resource in live(after):
        if order_of(resource) < held.get((resource["resourceType"], resource["id"]), (-1, -1)):
            return "I1: a resource's version went down"
    return ""


def at_rest(
    legacy: MemoryLegacyStore,
    resources: MemoryResources,
    items: MemoryTable,
    elements: Elements,
    wanted: Wanted,
) -> str:
    """Check I2 and I3 (Medplum shows the rows), I5 and the balance, I13 (references resolve)."""
    index: dict[Identifier, Resource] = {}
    for resource in live(resources):
        index.update((name, resource) for name in identifiers_of(resource))
    for element, known in wanted.keys.items():
        for record in legacy.read(element, sorted(known)):
            wrong = _record(record, elements[element], index, items, wanted)
            if wrong:
                return wrong
    names = {f"{r['resourceType']}/{r['id']}" for r in live(resources)}
    if not _referenced(list(live(resources))) <= names:
        return "I13: a reference leads nowhere"
    return ""


def _record(
    record: LegacyRecord,
    mapping: ElementMapping[Any],
    index: Mapping[Identifier, Resource],
    items: MemoryTable,
    of: Wanted,
) -> str:
    held = {name: index[name] for name in mapping.identifiers(record.key) if name in index}
    if not held and (record.row is None or not (record.version or of.whole)):
        return ""
    return _held_back(record, mapping, held, items) or _shown(record, mapping, held, items, of)


def _shown(
    record: LegacyRecord,
    mapping: ElementMapping[Any],
    held: dict[Identifier, Resource],
    items: MemoryTable,
    of: Wanted,
) -> str:
    """Say what is wrong with what Medplum shows of a record; empty when it rightly waits."""
    entry = QuarantineTable(items).get(mapping.element, record.key)
    if entry is not None and entry.version >= record.version:
        return ""
    if of.fenced and (newest(held) or (0, 0))[0] < record.version:
        return "I2: Medplum shows an older version"
    wanted = wanted_resources(record, held, mapping)
    if held.keys() != wanted.keys():
        return "I2: Medplum lacks a resource of a record, or has one too many"
    for name, resource in held.items():
        old = order_of(resource)[0] < record.version
        if of.fenced and old and not is_tombstone(resource):
            return "I2: Medplum shows a resource of an older version"
        if _view(mapping, resource) != _view(mapping, wanted[name]):
            return "I3: a deleted record is back" if record.row is None else "I2: content differs"
    known = ManifestTable(items).get(mapping.element, record.key)
    told = known is not None and known.version >= record.version
    return "" if told or not of.fenced else "I5: a record has no disposition in the manifest"


def _held_back(
    record: LegacyRecord,
    mapping: ElementMapping[Any],
    held: dict[Identifier, Resource],
    items: MemoryTable,
) -> str:
    """Say whether a record wrongly waits in quarantine, or wrongly does not."""
    entry = QuarantineTable(items).get(mapping.element, record.key)
    waits = entry is not None and entry.version >= record.version
    try:
        wanted_resources(record, held, mapping)
    except PermanentError:
        return "" if waits else "I5: a record that cannot be mapped is not in quarantine"
    parked = entry is not None and entry.waits_for and not _is_there(entry, items)
    return _WRONGLY if waits and not parked else ""


def _is_there(entry: QuarantineEntry, items: MemoryTable) -> bool:
    parent = ManifestTable(items).get(entry.waits_for, entry.waits_for_key)
    return parent is not None and parent.disposition is Disposition.SUCCESSFUL


def _view(mapping: ElementMapping[Any], resource: Resource) -> dict[str, object]:
    """Show a resource, its references by identifier: wanted ones are not resolved."""
    return mapping.view(_unresolved(resource))


def _unresolved(node: Any) -> Any:  # noqa: ANN401 because FHIR values are JSON
    if isinstance(node, list):
        return [_unresolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "identifier" in node and "reference" in node:
        return {"type": "", "identifier": node["identifier"]}
    return {name: _unresolved(item) for name, item in node.items()}


def _referenced(node: Any) -> set[str]:  # noqa: ANN401 because FHIR values are JSON
    if isinstance(node, list):
        return {found for item in node for found in _referenced(item)}
    if not isinstance(node, dict):
        return set()
    own = {node["reference"]} if isinstance(node.get("reference"), str) else set()
    return own.union(*map(_referenced, node.values()))
