"""One emulator for the tests of this folder."""

import pytest

from sandbox.aws.ministack import MiniStack


@pytest.fixture(scope="session")
def stack(aws_emulator: MiniStack) -> MiniStack:
    """A running emulator."""
    return aws_emulator
