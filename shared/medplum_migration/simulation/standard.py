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
    key = mapping.key_of(first)
    elements = (*(parents or {}), mapping)
    known = tuple(Commit(p.element, p.key_of(row), row, "") for p, row in (parents or {}).items())

    def commit(row: Row | None, event: str = "thin") -> Commit:
        return Commit(mapping.element, key, row, event)

    live = Scenario(
        name=f"{mapping.element}: two workers",
        elements=elements,
        before=known,
        commits=(commit(first), commit(second), commit(None)),
        dual_writers=2,
        most=most,
    )

    def but(name: str, **changes: Any) -> Scenario:  # noqa: ANN401 because fields differ in kind
        return replace(live, name=f"{mapping.element}: {name}", **changes)

    full = (commit(first, "full"), commit(second, "full"), commit(None))
    return (
        live,
        but("a crash and a duplicate", budget=Budget(crashes=1, duplicates=1)),
        but("a stale read and a fault", budget=Budget(stale=1, faults=1)),
        but("full images, one again", commits=full, budget=Budget(redeliveries=1)),
        but(
            "backfill beside live writes",
            before=(*known, commit(first, "")),
            commits=(commit(second), commit(None)),
            chunks=True,
            dual_writers=1,
            backfillers=1,
            budget=Budget(crashes=1),
        ),
    )
