"""Compare both stores record by record: legacy rows against Medplum, and Medplum against the rows.

Fields are compared only at equal versions, so that lag is never reported as a difference. Nothing
here writes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from medplum_migration.domain.data_element import LegacyRecord, Resource
from medplum_migration.domain.difference import Difference, Finding
from medplum_migration.domain.errors import (
    IdentityError,
    MigrationError,
    OrphanError,
    PermanentError,
)
from medplum_migration.domain.identity import Fence, Identifier
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.part import is_tombstone
from medplum_migration.phases.draft import (
    Held,
    Wanted,
    find_all,
    held_by_record,
    identifiers_of,
    index_by_identifier,
    newest,
    order_of,
    wanted_resources,
)
from medplum_migration.phases.references import Crosswalk, resolve
from medplum_migration.ports.fhir_store import FhirStore
from medplum_migration.ports.legacy import LegacyStore
from medplum_migration.ports.quarantine import Quarantine

_MAY_MOVE = frozenset(Finding) - {Finding.MATCH, Finding.QUARANTINED}


@dataclass(slots=True)
class Reconciliation:
    """What one pass found: records compared, resources swept, findings, and what is wrong."""

    records: int = 0
    resources: int = 0
    findings: Counter[Finding] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Whether nothing is wrong and nothing is under way; what cannot be mapped aside."""
        return not self.differences and not self.findings[Finding.LAGGING]

    def add(self, difference: Difference) -> None:
        """Count a finding, and keep it when it is a difference."""
        self.findings[difference.finding] += 1
        if difference.finding.is_difference:
            self.differences.append(difference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Compares one element; `source` is the legacy system's name in every fence."""

    mapping: Mapping[Any]
    legacy: LegacyStore
    fhir: FhirStore
    quarantine: Quarantine
    crosswalk: Crosswalk
    validate: Callable[[Resource], None]
    source: str
    page_size: int = 100

    def __call__(self) -> Reconciliation:
        """Compare every live record, then look for what Medplum has beyond them."""
        found = Reconciliation()
        for page in self._legacy_pages():
            for difference in self.compare(page):
                found.records += 1
                found.add(difference)
        for system, resource_type in self.mapping.systems.items():
            for swept in self.fhir.sweep(resource_type, system=system):
                found.resources += len(swept)
                for difference in self._beyond(swept):
                    found.add(difference)
        return found

    def compare(self, records: Sequence[LegacyRecord]) -> list[Difference]:
        """Compare records, as read from the legacy store, with what Medplum holds now.

        What changes meanwhile is looked at once more: both sides are read again.
        """
        first = self._compare(records)
        moving = [d.key for d in first if d.finding in _MAY_MOVE]
        if not moving:
            return first
        again = self._compare(self.legacy.read(self.mapping.element, moving))
        settled = {difference.key: difference for difference in again}
        return [settled.get(difference.key, difference) for difference in first]

    def _compare(self, records: Sequence[LegacyRecord]) -> list[Difference]:
        names = [name for record in records for name in self.mapping.identifiers(record.key)]
        index = index_by_identifier(find_all(self.fhir, self.mapping, names))
        looked = [self._look(record, index) for record in records]
        mapped = {
            record.key: list(seen[1].values())
            for record, seen in zip(records, looked, strict=True)
            if not isinstance(seen, Difference)
        }
        errors = resolve(mapped, self.crosswalk, self._orphans)
        return [
            seen
            if isinstance(seen, Difference)
            else self._compare_one(record, *seen, errors.get(record.key))
            for record, seen in zip(records, looked, strict=True)
        ]

    def _orphans(self, element: str, keys: Sequence[str]) -> dict[str, MigrationError]:
        """Tell which parents the legacy store does not have, and never captured."""
        return {
            record.key: OrphanError(parent=(element, record.key), path="")
            for record in self.legacy.read(element, keys)
            if record.row is None and not record.version
        }

    def _legacy_pages(self) -> Iterator[list[LegacyRecord]]:
        after: str | None = None
        element = self.mapping.element
        while page := self.legacy.page(element, after=after, upto=None, limit=self.page_size):
            yield page
            after = page[-1].key

    def _look(
        self, record: LegacyRecord, index: dict[Identifier, list[Resource]]
    ) -> tuple[Held, Wanted] | Difference:
        """Tell what is held and what is wanted, or what is wrong with either."""
        identifiers = self.mapping.identifiers(record.key)
        held: Held = {}
        try:
            held = held_by_record(index, identifiers, self._fence(record))
            return held, wanted_resources(record, held, self.mapping)
        except IdentityError:
            doubled = any(len(index.get(name, ())) > 1 for name in identifiers)
            return self._difference(record, Finding.DOUBLED if doubled else Finding.FOREIGN)
        except Exception as error:  # noqa: BLE001 because a record that cannot be mapped is a finding
            return self._unmappable(record, held, error)

    def _compare_one(
        self, record: LegacyRecord, held: Held, wanted: Wanted, error: MigrationError | None
    ) -> Difference:
        if error is not None:
            return self._unmappable(record, held, error)
        found = self._compare_versions(record, held, wanted)
        try:
            for resource in wanted.values() if found.finding is not Finding.MATCH else ():
                self.validate(resource)
        except PermanentError as invalid:
            return self._unmappable(record, held, invalid)
        return found

    def _unmappable(self, record: LegacyRecord, held: Held, error: Exception) -> Difference:
        """Tell whether a record that cannot be mapped is where it belongs: in quarantine."""
        path = str(error.fields.get("path", "")) if isinstance(error, MigrationError) else ""
        stored = newest(held)
        if stored is not None and stored >= self._fence(record).order:
            return self._difference(record, Finding.UNEXPECTED, [path])
        entry = self.quarantine.get(self.mapping.element, record.key)
        if entry is None or entry.version < record.version:
            return self._difference(record, Finding.MISSING, [path])
        return self._difference(record, Finding.QUARANTINED, [path])

    def _compare_versions(
        self, record: LegacyRecord, held: Held, wanted: dict[Identifier, Resource]
    ) -> Difference:
        """Compare fields at equal versions; a tombstone's mapping version does not count."""
        stored, expected = newest(held), self._fence(record).order
        if stored is None:
            return self._difference(record, Finding.MISSING)
        if record.row is None:
            if not record.version:
                return self._difference(record, Finding.UNEXPECTED)
            stored, expected = (stored[0], 0), (expected[0], 0)
        if stored != expected:
            return self._difference(record, Finding.LAGGING if stored < expected else Finding.AHEAD)
        if any(_is_behind(resource, wanted[name], record) for name, resource in held.items()):
            return self._difference(record, Finding.LAGGING)
        if wanted.keys() != held.keys():
            return self._difference(record, Finding.MISSING)
        paths = [p for name, it in wanted.items() for p in self._different_paths(it, held[name])]
        wrong = Finding.REBORN if record.row is None else Finding.DIFFERENT
        return self._difference(record, wrong if paths else Finding.MATCH, paths)

    def _different_paths(self, expected: Resource, actual: Resource) -> list[str]:
        wanted, held = self.mapping.view(expected), self.mapping.view(actual)
        return sorted(
            path for path in wanted.keys() | held.keys() if wanted.get(path) != held.get(path)
        )

    def _beyond(self, swept: Iterable[Resource]) -> Iterator[Difference]:
        """Compare the resources whose record is deleted, and name those that have no record."""
        keys: dict[str, None] = {}
        for resource in swept:
            fence = Fence.parse(resource.get("meta", {}).get("source"))
            if fence is None or fence.record[:2] != (self.source, self.mapping.element):
                yield Difference(self.mapping.element, "", Finding.FOREIGN)
            elif not self._carries_own_identifiers(resource, fence.key):
                yield Difference(self.mapping.element, fence.key, Finding.UNEXPECTED)
            else:
                keys[fence.key] = None
        for start in range(0, len(keys), self.page_size):
            wanted = list(keys)[start : start + self.page_size]
            gone = [r for r in self.legacy.read(self.mapping.element, wanted) if r.row is None]
            yield from self.compare(gone)

    def _carries_own_identifiers(self, resource: Resource, key: str) -> bool:
        """Whether what a resource carries in our system is its record's, so that it is no clone."""
        carried = {n for n in identifiers_of(resource) if n.system in self.mapping.systems}
        return carried <= set(self.mapping.identifiers(key))

    def _fence(self, record: LegacyRecord) -> Fence:
        mapping = self.mapping
        return Fence(
            self.source, mapping.element, record.key, record.version, mapping.mapping_version
        )

    def _difference(
        self, record: LegacyRecord, finding: Finding, paths: Sequence[str] = ()
    ) -> Difference:
        return Difference(self.mapping.element, record.key, finding, tuple(paths))


def _is_behind(held: Resource, wanted: Resource, record: LegacyRecord) -> bool:
    """Whether a resource waits for a write; a tombstone may be of any earlier version."""
    gone = is_tombstone(held) and is_tombstone(wanted)
    return order_of(held)[0] < record.version and not gone
