"""Write down how records ended: manifest and quarantine, after Medplum, before the ack."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from medplum_migration.domain.change_event import Operation
from medplum_migration.domain.checkpoint import Disposition
from medplum_migration.domain.errors import (
    IdentityError,
    MigrationError,
    MissingParentError,
    TransientError,
)
from medplum_migration.domain.identity import keyed_hash
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.phases.deferral import count_deferred, count_held_back
from medplum_migration.phases.outcome import Applied, Outcome
from medplum_migration.phases.target import Target
from medplum_migration.ports.manifest import Manifest, ManifestEntry
from medplum_migration.ports.quarantine import Quarantine, QuarantineEntry

_IDENTITY = IdentityError("").code
_HELD_BACK = {Disposition.QUARANTINED, Disposition.REJECTED}
_WITHOUT_ENTRY = {Outcome.DEFERRED, Outcome.SUPERSEDED}


def settle(ended: Sequence[Applied], mapping: Mapping[Any], target: Target) -> list[Applied]:
    """Record outcomes and report them; those whose evidence cannot be kept come back deferred.

    A superseded record leaves no entry: the writer of the newer version leaves it. What it finds
    in quarantine below that version is pointless.
    """
    now = target.clock.now()
    told = [
        (a, a.outcome.disposition)
        for a in ended
        if a.outcome.disposition and a.outcome not in _WITHOUT_ENTRY
    ]
    try:
        keep_evidence(
            [_manifest_entry(a, disposition, mapping, now) for a, disposition in told],
            [_quarantine_entry(a, a.error, mapping, now) for a, _ in told if a.error],
            target.manifest,
            target.quarantine,
        )
        for applied in ended:
            if applied.outcome is Outcome.SUPERSEDED:
                upto = applied.version - 1
                target.quarantine.close(mapping.element, applied.change.key, upto_version=upto)
    except TransientError as error:
        ended = [
            a if a.outcome in _WITHOUT_ENTRY else replace(a, outcome=Outcome.DEFERRED, error=error)
            for a in ended
        ]
    _report(ended, mapping, target)
    return list(ended)


def keep_evidence(
    entries: Sequence[ManifestEntry],
    held_back: Sequence[QuarantineEntry],
    manifest: Manifest,
    quarantine: Quarantine,
) -> None:
    """Store what is held back, then what became of all, then drop what that made pointless.

    In this order a late, older failure never stands beside a newer success, however two workers
    interleave: whoever comes second to the manifest sees the other's entry and closes the failure.
    A success that finds itself there may have died before it closed, and closes again.
    """
    for failure in held_back:
        quarantine.put(failure)
    before = manifest.record(entries) if entries else []
    for entry, previous in zip(entries, before, strict=True):
        if previous is None:
            continue
        if entry.error == _IDENTITY and entry.applied == previous.applied:
            continue  # the version was applied once, and its resource is somebody else's by now
        newer, older = (previous, entry) if previous.order > entry.order else (entry, previous)
        pointless = older.disposition in _HELD_BACK or older.applied == newer.applied
        if newer.disposition is Disposition.SUCCESSFUL and pointless:
            quarantine.close(newer.element, newer.key, upto_version=newer.version)


def _manifest_entry(
    applied: Applied, disposition: Disposition, mapping: Mapping[Any], now: float
) -> ManifestEntry:
    return ManifestEntry(
        element=mapping.element,
        key=applied.change.key,
        version=applied.version,
        mapping_version=mapping.mapping_version,
        disposition=disposition,
        deleted=applied.deleted,
        resources=applied.resources,
        content_hash=applied.content_hash,
        error=applied.error.code if applied.error else "",
        recorded_at=now,
    )


def _quarantine_entry(
    applied: Applied, error: MigrationError, mapping: Mapping[Any], now: float
) -> QuarantineEntry:
    parent = error.parent if isinstance(error, MissingParentError) else ("", "")
    return QuarantineEntry(
        element=mapping.element,
        key=applied.change.key,
        version=applied.version,
        operation=Operation.DELETE if applied.deleted else Operation.UPSERT,
        code=error.code,
        reason=error.reason,
        path=str(error.fields.get("path", "")),
        quarantined_at=now,
        waits_for=parent[0],
        waits_for_key=parent[1],
    )


def _report(ended: Sequence[Applied], mapping: Mapping[Any], target: Target) -> None:
    """Count outcomes, and log each record that somebody may have to look at, by keyed hash."""
    for outcome in Outcome:
        number = sum(applied.outcome is outcome for applied in ended)
        if number:
            target.telemetry.count(
                "RecordsApplied", number, element=mapping.element, outcome=outcome.value
            )
    errors = [(a.outcome, a.error) for a in ended if a.error is not None]
    deferred = [error for outcome, error in errors if outcome is Outcome.DEFERRED]
    held_back = [error.code for outcome, error in errors if outcome is not Outcome.DEFERRED]
    count_deferred(target.telemetry, deferred)
    count_held_back(target.telemetry, held_back)
    for applied in ended:
        if applied.error is not None:
            target.telemetry.problem(
                f"apply.{applied.outcome.value}",
                element=mapping.element,
                record_ref=keyed_hash(target.hash_key, mapping.element, applied.change.key),
                version=applied.version,
                error=applied.error.code,
                reason=applied.error.reason,
                path=str(applied.error.fields.get("path", "")),
            )
