"""The scenarios that every element should hold: give its rows, get bounded worlds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.simulation.scenario import Budget, Commit, Row, Scenario


def standard(
    mapping: ElementMapping[Any],
    rows: Sequence[Row],
    *,
    parents: Mapping[ElementMapping[Any], Row] | None = None,
    most: int = 200_000,
) -> tuple[Scenario, ...]:
    """Make the standard scenarios of one element.

    `rows` are two rows of one record, as the legacy store gives them: what it was and what it
    becomes. `parents` gives one row for each element that they refer to.
    """
    first, second = rows
    known = tuple(Commit(p.element, p.key_of(row), row, "") for p, row in (parents or {}).items())
    old, new, gone = (
        _commits(mapping, mapping.key_of(first), row) for row in (first, second, None)
    )
    live = Scenario(
        name="two workers",
        elements=(*(parents or {}), mapping),
        before=known,
        commits=(old["thin"], new["thin"], gone["thin"]),
        dual_writers=2,
        most=most,
    )
    full = replace(live, name="full images", commits=(old["full"], new["full"], gone["full"]))
    copied = replace(
        live, before=(*known, old[""]), commits=(new["thin"], gone["thin"]), dual_writers=1
    )
    found = (*_troubled(live), *_troubled(full), _in_backfill(copied))
    return tuple(replace(each, name=f"{mapping.element}: {each.name}") for each in found)


def _troubled(calm: Scenario) -> tuple[Scenario, ...]:
    """Let nothing go wrong, then a few things together."""
    more = {
        "a crash and a duplicate": Budget(crashes=1, duplicates=1),
        "a stale read and a fault": Budget(stale=1, faults=1),
        "old events again": Budget(redeliveries=1),
    }
    troubled = (replace(calm, name=f"{calm.name}, {what}", budget=more[what]) for what in more)
    return (calm, *troubled)


def _in_backfill(calm: Scenario) -> Scenario:
    return replace(calm, name="in backfill", chunks=True, backfillers=1, budget=Budget(crashes=1))


def _commits(mapping: ElementMapping[Any], key: str, row: Row | None) -> dict[str, Commit]:
    """Make the same commit with each kind of event."""
    return {kind: Commit(mapping.element, key, row, kind) for kind in ("", "thin", "full")}
