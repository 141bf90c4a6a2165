"""Which records a change of mapping touches: each record's mapped resources as a keyed hash.

Hashes are of the resources as mapped, before references are resolved, so they depend on the row and
the mapping alone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Dict
from enum import StrEnum
from typing import Any, NamedTuple

from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.identity import keyed_hash
from medplum_migration.fhir.canonical import digest
from medplum_migration.mapping.mapping import Mapping, Quarantine

QUARANTINED = "quarantined"


class Touched(StrEnum):
    """What a change of mapping does to a record."""

    SAME = "same"
    CHANGED = "changed"
    NOW_QUARANTINED = "now quarantined"
    NOW_MAPPED = "now mapped"
    ROW_CHANGED = "row changed since"
    NEW = "new row"
    GONE = "row gone"


class Seen(NamedTuple):
    """A record's hash, its version, and the hash of its resources, or `QUARANTINED`."""

    record: str
    version: int
    content: str


def seen(mapping: Mapping[Any], records: Iterable[LegacyRecord], secret: bytes) -> Iterator[Seen]:
    """Map records, and hash what they give."""
    for record in records:
        mapped = mapping.to_fhir(dict(record.row or {}))
        content = QUARANTINED if isinstance(mapped, Quarantine) else digest(secret, mapped)
        yield Seen(keyed_hash(secret, mapping.element, record.key), record.version, content)


def touched(before: Dict[str, Seen], now: Iterable[Seen]) -> Iterator[tuple[str, Touched]]:
    """Tell of each record, by its hash, what became of it; `before` is by that hash."""
    met = set()
    for one in now:
        met.add(one.record)
        yield one.record, _touched(before.get(one.record), one)
    yield from ((record, Touched.GONE) for record in before if record not in met)


def count(found: Iterable[tuple[str, Touched]]) -> Counter[Touched]:
    """Count records by what became of them."""
    return Counter(what for _, what in found)


def _touched(before: Seen | None, now: Seen) -> Touched:
    if before is None:
        return Touched.NEW
    if before.content == now.content:
        return Touched.SAME
    if before.version != now.version:
        return Touched.ROW_CHANGED
    if now.content == QUARANTINED:
        return Touched.NOW_QUARANTINED
    return Touched.NOW_MAPPED if before.content == QUARANTINED else Touched.CHANGED
