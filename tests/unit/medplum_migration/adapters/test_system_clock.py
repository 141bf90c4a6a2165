"""The machine's clock."""

import time

from medplum_migration.adapters.system_clock import SystemClock


def test_now() -> None:
    """It tells the time since the epoch."""
    before = time.time()
    assert before <= SystemClock().now() <= time.time()


def test_pause() -> None:
    """A pause lasts between half of what was asked for and, about, all of it."""
    started = time.monotonic()
    SystemClock().pause(0.02)
    assert 0.009 <= time.monotonic() - started
