"""The only function that writes to Medplum: a page of changes in, one outcome per record out.

Live events, backfill rows, repair and redrive all come through here. Medplum is searched first, the
legacy row is read after it, and every write is conditional or guarded by `If-Match`, so that the
highest version wins whatever is lost, doubled, late or cut off. The fence that decides lies in each
resource's `meta.source`; manifest and quarantine are written after it, as evidence.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from medplum_migration.domain.change_event import ChangeEvent, fold
from medplum_migration.domain.errors import (
    ConfigurationError,
    ConflictError,
    MigrationError,
    MissingParentError,
    OrphanError,
    TransientError,
    UnansweredError,
    UnavailableError,
)
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.phases.image import as_change
from medplum_migration.phases.outcome import Applied, Outcome, failed
from medplum_migration.phases.references import Parent
from medplum_migration.phases.round import Round
from medplum_migration.phases.settle import settle
from medplum_migration.phases.target import Target

_FIRST_PAUSE_S = 0.05
_DEEPEST = 8


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
        pull = partial(_pull, target, deadline)
        outcomes: list[Applied] = []
        for part in _parts(pending, attempt, ended):
            late = outcomes and target.clock.now() > deadline
            this = Round(mapping, target, pull, unconfirmed.keys())
            outcomes += [ended[change.key] for change in part] if late else this.run(part)
        for applied in outcomes:
            written = unconfirmed.get(applied.change.key, applied)
            ended[applied.change.key] = written if _confirms(applied, written) else applied
        torn = [a for a in outcomes if a.outcome is Outcome.WRITTEN and _is_several(mapping)]
        unconfirmed = {applied.change.key: applied for applied in torn}
        near = _near(outcomes, mapping)
        pending = [
            a.change for a in outcomes if _starts_over(a, near) or a.change.key in unconfirmed
        ]
        now = target.clock.now()
        if not pending or now + (now - started) > deadline:
            break
    for key, applied in unconfirmed.items():
        reason = "a record of several resources was written and not looked at again"
        ended[key] = failed(applied.change, ConflictError(reason), applied.version)
    return settle(list(ended.values()), mapping, target)


def _parts(
    pending: Sequence[ChangeEvent], attempt: int, ended: dict[str, Applied]
) -> Iterator[Sequence[ChangeEvent]]:
    """Part a page after writes without an answer: one record may have failed all (I14)."""
    errors = [ended[change.key].error for change in pending if change.key in ended]
    failing = any(isinstance(error, UnansweredError) for error in errors)
    size = max(1, len(pending) // 4**attempt) if failing else max(1, len(pending))
    for start in range(0, len(pending), size):
        yield pending[start : start + size]


def _confirms(applied: Applied, written: Applied) -> bool:
    """Whether a further look found just what was written."""
    found = applied.outcome in {Outcome.CURRENT, Outcome.SUPERSEDED}
    return found and written.version == applied.version


def _is_several(mapping: Mapping[Any]) -> bool:
    return len(mapping.declaration.shapes) > 1


def _near(outcomes: Sequence[Applied], mapping: Mapping[Any]) -> set[Parent]:
    """Tell which parents may be there in a further round: those of a round that wrote some."""
    if not any(applied.outcome is Outcome.WRITTEN for applied in outcomes):
        return set()
    return {(mapping.element, applied.change.key) for applied in outcomes}


def _starts_over(applied: Applied, near: Collection[Parent]) -> bool:
    """Whether reading again may help now: a lost race or answer, or a parent in the same page."""
    error = applied.error
    if isinstance(error, MissingParentError):
        return error.parent in near
    return isinstance(error, ConflictError | UnavailableError)


def _pull(
    target: Target, deadline: float, element: str, keys: Sequence[str]
) -> dict[str, MigrationError]:
    """Apply records that others refer to, from their rows; return why not, by key."""
    errors = _held_back(element, _circle(target, element, keys), "references form a circle")
    wanted = [key for key in keys if key not in errors]
    if not wanted or len(target.pulling) == _DEEPEST:
        return errors | _held_back(element, wanted, "the chain of parents is too long")
    try:
        if not target.checkpoints.element(element).phase.writes_to_medplum:
            return errors | _held_back(element, wanted, "the parent's element is off")
        records = target.legacy.read(element, wanted)
    except (TransientError, ConfigurationError) as error:
        return errors | dict.fromkeys(wanted, error)
    missing = [r.key for r in records if r.row is None and not r.version]
    errors |= {key: OrphanError(parent=(element, key), path="") for key in missing}
    news = [as_change(element, r, hash_key=target.hash_key) for r in records if r.key not in errors]
    level = frozenset((element, key) for key in wanted)
    deeper = replace(target, pulling=(*target.pulling, level), rounds=max(2, target.rounds // 2))
    for applied in apply(news, target.elements[element], deeper, deadline=deadline):
        if applied.outcome is Outcome.DEFERRED and applied.error is not None:
            errors[applied.change.key] = applied.error
        elif applied.error is not None:
            errors |= _held_back(element, [applied.change.key], "the parent is held back")
    return errors


def _circle(target: Target, element: str, keys: Sequence[str]) -> list[str]:
    return [key for key in keys if any((element, key) in level for level in target.pulling)]


def _held_back(element: str, keys: Sequence[str], why: str) -> dict[str, MigrationError]:
    return {key: MissingParentError(parent=(element, key), path="", reason=why) for key in keys}
