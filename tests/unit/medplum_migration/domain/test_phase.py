"""Phases: one step ahead, any number back."""

import pytest

from medplum_migration.domain.phase import Phase, may_move


@pytest.mark.parametrize(
    ("current", "wanted", "allowed"),
    [
        (Phase.OFF, Phase.DUAL_WRITE, True),
        (Phase.OFF, Phase.BACKFILL, False),
        (Phase.DUAL_WRITE, Phase.BACKFILL, True),
        (Phase.READ, Phase.OFF, True),
        (Phase.BACKFILL, Phase.BACKFILL, True),
        (Phase.BACKFILL, Phase.FRONTEND_WRITE, False),
    ],
)
def test_steps(current: Phase, wanted: Phase, *, allowed: bool) -> None:
    """No phase is skipped on the way forward; the way back is open."""
    assert allowed is may_move(current, wanted)


def test_legacy_changes_are_applied_while_legacy_has_authority() -> None:
    """From dual write until the front end writes to Medplum."""
    applied = {Phase.DUAL_WRITE, Phase.BACKFILL, Phase.READ}

    assert applied == {phase for phase in Phase if phase.writes_to_medplum}
