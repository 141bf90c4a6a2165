"""Fixtures of the engine's unit tests."""

import pytest

from tests.world import World


@pytest.fixture
def world() -> World:
    """Give each test its own world in memory."""
    return World()
