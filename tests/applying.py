"""Changes applied to a world in memory, and what became of them."""

from collections.abc import Sequence

from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.phases.apply import apply
from medplum_migration.phases.outcome import Applied
from tests.world import World


def applied(world: World, *changes: ChangeEvent) -> list[Applied]:
    """Apply changes to the world's one element."""
    return apply(changes, world.mapping, world.target)


def outcomes(ended: Sequence[Applied]) -> list[str]:
    """Name the outcomes."""
    return [one.outcome.value for one in ended]


def delete(key: int, version: int) -> ChangeEvent:
    """Make a delete event."""
    return ChangeEvent(element="people", key=str(key), version=version, operation=Operation.DELETE)
