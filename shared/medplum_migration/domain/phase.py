"""The five phases of a data element type, and the steps that lead from one to the next."""

from enum import StrEnum


class Phase(StrEnum):
    """Where a data element type stands (https://www.medplum.com/docs/migration/adoption-strategy)."""

    OFF = "off"
    DUAL_WRITE = "dual_write"
    BACKFILL = "backfill"
    READ = "read"
    FRONTEND_WRITE = "frontend_write"
    DEPRECATED = "deprecated"

    @property
    def writes_to_medplum(self) -> bool:
        """Whether legacy changes are applied to Medplum in this phase."""
        return self in {Phase.DUAL_WRITE, Phase.BACKFILL, Phase.READ}


_ORDER = tuple(Phase)


def may_move(current: Phase, wanted: Phase) -> bool:
    """Tell whether `wanted` is one step ahead, or any number of steps back."""
    return _ORDER.index(wanted) <= _ORDER.index(current) + 1
