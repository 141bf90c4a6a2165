"""The only function that writes to Medplum: a page of changes in, one outcome per record out.

Live events, backfill rows, repair and redrive all come through here. Medplum is searched first, the
legacy row is read after it, and every write is conditional or guarded by `If-Match`, so that the
highest version wins whatever is lost, doubled, late or cut off. The fence that decides lies in each
resource's `meta.source`; manifest and quarantine are written after it, as evidence.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from medplum_migration.domain.change_event import ChangeEvent, fold
from medplum_migration.domain.errors import (
    ConflictError,
    MigrationError,
    MissingParentError,
    OrphanError,
    UnavailableError,
)
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.phases.image import as_change
from medplum_migration.phases.outcome import Applied, Outcome, failed
from medplum_migration.phases.round import Round
from medplum_migration.phases.settle import settle
from medplum_migration.phases.target import Target

_FIRST_PAUSE_S = 0.05


def apply(
    changes: Sequence[ChangeEvent],
    mapping: Mapping[Any],
    target: Target,
    *,
    deadline: float = math.inf,
) -> list[Applied]:
    """Bring Medplum up to the given changes of one element, and settle each record.

    Returns one outcome per record, for its highest version among `changes`. Every outcome but a
    deferred one may be acknowledged. The errors of one record never stop another. No round begins
    that would probably not end before `deadline` (seconds since the epoch).

    A record of several resources is looked at once more after it is written: of two workers that
    wrote different resources of it, the one that looks last sees both, and mends the older.
    """
    pending = fold(changes)
    ended: dict[str, Applied] = {}
    unconfirmed: dict[str, Applied] = {}
    for attempt in range(target.rounds):
        started = target.clock.now()
        if attempt and len(pending) > len(unconfirmed):
            target.clock.pause(_FIRST_PAUSE_S * 2**attempt)
        outcomes = Round(mapping, target, partial(_pull, target), unconfirmed.keys()).run(pending)
        for applied in outcomes:
            written = unconfirmed.get(applied.change.key, applied)
            ended[applied.change.key] = written if _confirms(applied, written) else applied
        torn = [a for a in outcomes if a.outcome is Outcome.WRITTEN and _is_several(mapping)]
        unconfirmed = {applied.change.key: applied for applied in torn}
        pending = [a.change for a in outcomes if _starts_over(a) or a.change.key in unconfirmed]
        now = target.clock.now()
        if not pending or now + (now - started) > deadline:
            break
    for key, applied in unconfirmed.items():
        reason = "a record of several resources was written and not looked at again"
        ended[key] = failed(applied.change, ConflictError(reason), applied.version)
    return settle(list(ended.values()), mapping, target)


def _confirms(applied: Applied, written: Applied) -> bool:
    """Whether a further look found just what was written."""
    found = applied.outcome in {Outcome.CURRENT, Outcome.SUPERSEDED}
    return found and written.version == applied.version


def _is_several(mapping: Mapping[Any]) -> bool:
    return len(mapping.declaration.shapes) > 1


def _starts_over(applied: Applied) -> bool:
    """Whether reading again may help now: the write lost a race, or its answer was lost."""
    return isinstance(applied.error, ConflictError | UnavailableError)


def _pull(target: Target, element: str, keys: Sequence[str]) -> dict[str, MigrationError]:
    """Apply records that others refer to, from their rows; return why not, by key."""
    wanted = {key: (element, key) for key in keys}
    circle = wanted.keys() & {key for name, key in target.pulling if name == element}
    if circle or not target.checkpoints.element(element).phase.writes_to_medplum:
        why = "references form a circle" if circle else "the parent's element is off"
        return {k: MissingParentError(parent=p, path="", reason=why) for k, p in wanted.items()}
    records = target.legacy.read(element, keys)
    errors: dict[str, MigrationError] = {
        record.key: OrphanError(parent=wanted[record.key], path="")
        for record in records
        if record.row is None and not record.version
    }
    news = [r for r in records if r.key not in errors]
    changes = [as_change(element, record, hash_key=target.hash_key) for record in news]
    deeper = replace(target, pulling=target.pulling | set(wanted.values()))
    for applied in apply(changes, target.elements[element], deeper):
        if applied.error is not None:
            transient = applied.outcome is Outcome.DEFERRED
            parent = (element, applied.change.key)
            held_back = MissingParentError(parent=parent, path="")
            errors[applied.change.key] = applied.error if transient else held_back
    return errors
