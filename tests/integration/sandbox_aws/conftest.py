"""One emulator for the tests of this folder."""

import os
from collections.abc import Iterator

import pytest

from sandbox.aws.ministack import MiniStack
from sandbox.aws.tools import ToolMissingError, tool


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """A running emulator; CI must have the tools, a person may not."""
    try:
        tool("ministack", "python")
        tool("sam", "sam")
    except ToolMissingError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
    with MiniStack(tmp_path_factory.mktemp("aws") / "aws.log") as running:
        yield running
