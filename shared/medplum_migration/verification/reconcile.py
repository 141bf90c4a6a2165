"""Compare both stores record by record: legacy rows against Medplum, and Medplum against the rows.

Fields are compared only at equal versions, so that lag is never reported as a difference. Nothing
here writes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from medplum_migration.domain.data_element import LegacyRecord, Resource
from medplum_migration.domain.difference import Difference, Finding
from medplum_migration.domain.errors import IdentityError, MigrationError
from medplum_migration.domain.identity import Fence, Identifier
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.phases.draft import (
    Held,
    held_by_record,
    index_by_identifier,
    newest,
    wanted_resources,
)
from medplum_migration.ports.fhir_store import FhirStore
from medplum_migration.ports.legacy import LegacyStore
from medplum_migration.ports.quarantine import Quarantine


@dataclass(slots=True)
class Reconciliation:
    """What one pass found: records compared, resources swept, findings, and what is wrong."""

    records: int = 0
    resources: int = 0
    findings: Counter[Finding] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Whether nothing is wrong and nothing is under way."""
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
    source: str
    page_size: int = 100

    def __call__(self) -> Reconciliation:
        """Compare every live record, then look for what Medplum has beyond them."""
        found = Reconciliation()
        for page in self._legacy_pages():
            for difference in self.compare(page):
                found.records += 1
                found.add(difference)
        for swept in self.fhir.sweep(self.mapping.resource, system=self.mapping.system):
            found.resources += len(swept)
            for difference in self._beyond(swept):
                found.add(difference)
        return found

    def compare(self, records: Sequence[LegacyRecord]) -> Iterator[Difference]:
        """Compare records, as read from the legacy store, with what Medplum holds now."""
        names = [name for record in records for name in self.mapping.identifiers(record.key)]
        index = index_by_identifier(self.fhir.find(self.mapping.resource, names))
        for record in records:
            yield self._compare_one(record, index)

    def _legacy_pages(self) -> Iterator[list[LegacyRecord]]:
        after: str | None = None
        element = self.mapping.element
        while page := self.legacy.page(element, after=after, upto=None, limit=self.page_size):
            yield page
            after = page[-1].key

    def _compare_one(
        self, record: LegacyRecord, index: dict[Identifier, list[Resource]]
    ) -> Difference:
        identifiers = self.mapping.identifiers(record.key)
        try:
            held = held_by_record(index, identifiers, self._fence(record))
        except IdentityError:
            doubled = any(len(index.get(name, ())) > 1 for name in identifiers)
            return self._difference(record, Finding.DOUBLED if doubled else Finding.FOREIGN)
        entry = self.quarantine.get(self.mapping.element, record.key)
        if entry is not None and entry.version >= record.version:
            return self._difference(record, Finding.QUARANTINED)
        stored = newest(held)
        if stored is None:
            return self._difference(record, Finding.MISSING)
        if record.row is None and not record.version:
            return self._difference(record, Finding.UNEXPECTED)
        if stored != self._fence(record).order:
            return self._difference(record, Finding.LAGGING)
        return self._compare_fields(record, held)

    def _compare_fields(self, record: LegacyRecord, held: Held) -> Difference:
        try:
            wanted = wanted_resources(record, held, self.mapping)
        except MigrationError as error:
            return self._difference(record, Finding.UNEXPECTED, [str(error.fields.get("path", ""))])
        if wanted.keys() != held.keys():
            return self._difference(record, Finding.MISSING)
        paths = [
            path
            for name, resource in wanted.items()
            for path in self._different_paths(resource, held[name])
        ]
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
            mine = (self.source, self.mapping.element)
            if fence is None or fence.record[:2] != mine:
                yield Difference(self.mapping.element, "", Finding.FOREIGN)
                continue
            keys[fence.key] = None
        for start in range(0, len(keys), self.page_size):
            wanted = list(keys)[start : start + self.page_size]
            gone = [r for r in self.legacy.read(self.mapping.element, wanted) if r.row is None]
            yield from self.compare(gone)

    def _fence(self, record: LegacyRecord) -> Fence:
        mapping = self.mapping
        return Fence(
            self.source, mapping.element, record.key, record.version, mapping.mapping_version
        )

    def _difference(
        self, record: LegacyRecord, finding: Finding, paths: Sequence[str] = ()
    ) -> Difference:
        return Difference(self.mapping.element, record.key, finding, tuple(paths))
