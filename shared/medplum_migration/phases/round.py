"""One round of the write protocol: search, load, map, resolve, write, for records still open."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import (
    ConfigurationError,
    ConflictError,
    IdentityError,
    MappingError,
    MigrationError,
    PermanentError,
    RefusedError,
    ThrottledError,
    TransientError,
    UnansweredError,
    VersionBehindError,
)
from medplum_migration.domain.identity import Fence
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.phases.draft import (
    Draft,
    Held,
    Wanted,
    burials,
    draft,
    find_all,
    held_by_record,
    index_by_identifier,
    left_behind,
    newest,
    reference_to,
    wanted_resources,
)
from medplum_migration.phases.outcome import Applied, Outcome, failed
from medplum_migration.phases.references import Pull, resolve
from medplum_migration.phases.target import Target
from medplum_migration.ports.fhir_store import Write, WriteResult, WriteStatus
from medplum_migration.ports.manifest import ResourceRef


class Round:
    """Search, load, map, write, once, for the records that are still open."""

    def __init__(
        self, mapping: Mapping[Any], target: Target, pull: Pull, unconfirmed: Collection[str] = ()
    ) -> None:
        self._mapping = mapping
        self._target = target
        self._pull = pull
        self._unconfirmed = unconfirmed
        self._ended: dict[str, Applied] = {}

    def run(self, changes: Sequence[ChangeEvent]) -> list[Applied]:
        """Take every change as far as it gets; transient trouble defers those still open."""
        try:
            held = self._search(changes)
            self._bury(self._open(changes), held)
            news = [c for c in self._open(changes) if self._is_news(c, held[c.key])]
            records = self._load(news)
            self._write(self._draft(self._open(changes), records, held))
        except (TransientError, ConfigurationError) as error:
            for change in self._open(changes):
                self._end(failed(change, error))
        return list(self._ended.values())

    def _open(self, changes: Sequence[ChangeEvent]) -> list[ChangeEvent]:
        return [change for change in changes if change.key not in self._ended]

    def _end(self, applied: Applied) -> None:
        self._ended[applied.change.key] = applied

    def _search(self, changes: Sequence[ChangeEvent]) -> dict[str, Held]:
        """Find what Medplum holds, in one search; records of unclear identity end here."""
        wanted = {change.key: self._mapping.identifiers(change.key) for change in changes}
        names = [name for identifiers in wanted.values() for name in identifiers]
        index = index_by_identifier(find_all(self._target.fhir, self._mapping, names))
        held: dict[str, Held] = {}
        for change in changes:
            try:
                held[change.key] = held_by_record(index, wanted[change.key], self._fence(change))
            except IdentityError as error:
                self._end(failed(change, error))
        return held

    def _fence(self, change: ChangeEvent) -> Fence:
        source, mapping = self._target.source, self._mapping
        return Fence(source, mapping.element, change.key, change.version, mapping.mapping_version)

    def _is_news(self, change: ChangeEvent, held: Held) -> bool:
        """Whether the change may have to be written; ends it when Medplum is past it already.

        A record with several resources may be half written at this version, and goes on.
        """
        stored, wanted = newest(held), self._fence(change).order
        if stored is None or stored < wanted:
            return True
        several = len(self._mapping.declaration.shapes) > 1
        looked = change.key in self._unconfirmed and not left_behind(held)
        if stored == wanted and several and not looked:
            return True
        outcome = Outcome.CURRENT if stored == wanted else Outcome.SUPERSEDED
        kept = tuple(reference_to(resource) for resource in held.values())
        self._end(
            Applied(
                change=change,
                outcome=outcome,
                version=stored[0],
                deleted=change.operation is Operation.DELETE,
                resources=kept,
            )
        )
        return False

    def _bury(self, changes: Sequence[ChangeEvent], held: dict[str, Held]) -> None:
        """Mark what an older version left beside a newer one than the change, and look again.

        Who wrote the newest version looks once more before it ends: either it saw nothing beside
        its own, so that this is no part of that version, or it is going to write this over.
        """
        torn: list[tuple[ChangeEvent, list[Write]]] = []
        for change in changes:
            ours = held[change.key]
            if left_behind(ours) and newest(ours) != self._fence(change).order:
                with self._blaming(change, change.version):
                    torn.append((change, burials(change.key, ours, self._mapping)))
        for change, results in self._send(torn):
            reason = "an older version's resource stood beside a newer one"
            self._end(failed(change, _error_of(results) or ConflictError(reason)))

    def _load(self, changes: Sequence[ChangeEvent]) -> dict[str, LegacyRecord]:
        """Read the rows of thin events, after Medplum; images and deletes bring their own."""
        wanted = {change.key: change for change in changes if change.is_thin}
        records = {
            change.key: LegacyRecord(change.key, change.version, _row_of(change))
            for change in changes
            if change.key not in wanted
        }
        try:
            read = self._target.legacy.read(self._mapping.element, list(wanted)) if wanted else []
        except (TransientError, ConfigurationError) as error:
            for change in wanted.values():
                self._end(failed(change, error))
            return records
        for record in read:
            if record.version < wanted[record.key].version:
                reason = "the legacy store answered with an older version than the event's"
                self._end(failed(wanted[record.key], VersionBehindError(reason)))
            records[record.key] = record
        return records

    def _draft(
        self,
        changes: Sequence[ChangeEvent],
        records: dict[str, LegacyRecord],
        held: dict[str, Held],
    ) -> list[tuple[ChangeEvent, Draft]]:
        """Map, resolve references and compare; records that cannot be mapped or drafted end."""
        wanted: dict[str, Wanted] = {}
        for change in changes:
            record = records[change.key]
            with self._blaming(change, record.version):
                wanted[change.key] = wanted_resources(record, held[change.key], self._mapping)
        mapped = {key: list(resources.values()) for key, resources in wanted.items()}
        unresolved = resolve(mapped, self._target.crosswalk, self._pull)
        drafts: list[tuple[ChangeEvent, Draft]] = []
        for change in self._open(changes):
            record = records[change.key]
            if change.key in unresolved:
                self._end(failed(change, unresolved[change.key], record.version))
                continue
            with self._blaming(change, record.version):
                drafted = draft(
                    record, held[change.key], wanted[change.key], self._mapping, self._target
                )
                drafts.append((change, drafted))
        for change, drafted in drafts:
            if not drafted.writes:
                self._end(_concluded(change, drafted, Outcome.CURRENT, ()))
        return [(change, drafted) for change, drafted in drafts if drafted.writes]

    @contextmanager
    def _blaming(self, change: ChangeEvent, version: int) -> Iterator[None]:
        """End a record with what its mapping or validation raises (I14)."""
        try:
            yield
        except PermanentError as error:
            self._end(failed(change, error, version))
        except Exception as error:  # noqa: BLE001 because one poison record must delay no other (I14)
            reason = f"mapping or validation raised {type(error).__name__}"
            raised = MappingError(element=self._mapping.element, path="", reason=reason)
            self._end(failed(change, raised, version))

    def _write(self, drafts: Sequence[tuple[ChangeEvent, Draft]]) -> None:
        """Send all writes and read every answer."""
        sent = self._send([(change, drafted.writes) for change, drafted in drafts])
        for (change, drafted), (_, results) in zip(drafts, sent, strict=True):
            error = _error_of(results)
            if error is not None:
                self._end(failed(change, error, drafted.version))
                continue
            types = [write.body["resourceType"] for write in drafted.writes]
            stored = tuple(map(_stored, types, results))
            self._end(_concluded(change, drafted, Outcome.WRITTEN, stored))

    def _send(
        self, writes: Sequence[tuple[ChangeEvent, list[Write]]]
    ) -> list[tuple[ChangeEvent, list[WriteResult]]]:
        """Send all writes at once; tell the answers to each record's."""
        every = [write for _, some in writes for write in some]
        answers = iter(self._target.fhir.write(every) if every else ())
        return [(change, [next(answers) for _ in some]) for change, some in writes]


def _row_of(change: ChangeEvent) -> dict[str, Any] | None:
    """Tell the row after the change; an image that comes with a delete is the row before it."""
    return None if change.operation is Operation.DELETE else change.image


def _concluded(
    change: ChangeEvent, drafted: Draft, outcome: Outcome, stored: tuple[ResourceRef, ...]
) -> Applied:
    return Applied(
        change=change,
        outcome=outcome,
        version=drafted.version,
        deleted=drafted.deleted,
        resources=(*drafted.kept, *stored),
        content_hash=drafted.content_hash,
    )


def _stored(resource_type: str, result: WriteResult) -> ResourceRef:
    return ResourceRef(
        resource_type=resource_type,
        resource_id=result.resource_id,
        version_id=result.version_id,
    )


def _error_of(results: Sequence[WriteResult]) -> MigrationError | None:
    """Join the answers to one record's writes: what a person must see comes first."""
    worst = max(results, key=lambda result: _SEVERITY.index(result.status))
    if worst.status is WriteStatus.REFUSED and worst.reason == "multiple-matches":
        return IdentityError("several resources carry the record's identifier")
    if worst.status is WriteStatus.REFUSED:
        return RefusedError(
            f"Medplum refused the resource: {worst.reason}",
            status=worst.http_status,
            path=worst.path,
        )
    if worst.status is WriteStatus.THROTTLED:
        reason = "the quota of FHIR interactions is used up"
        return ThrottledError(reason, retry_after_s=worst.retry_after_s)
    if worst.status is WriteStatus.UNKNOWN:
        return UnansweredError("the outcome of a write is unknown", status=worst.http_status)
    if worst.status is WriteStatus.CONFLICT:
        return ConflictError("another writer was faster", status=worst.http_status)
    return None


_SEVERITY = (
    WriteStatus.CREATED,
    WriteStatus.UPDATED,
    WriteStatus.CONFLICT,
    WriteStatus.UNKNOWN,
    WriteStatus.THROTTLED,
    WriteStatus.REFUSED,
)
