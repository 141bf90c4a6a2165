"""Fixtures of all suites: the AWS emulator, started once when a test asks for it."""

import signal
from collections.abc import Iterator

import pytest

from sandbox.aws.ministack import MiniStack
from sandbox.aws.tools import ToolMissingError, tool
from tests.required import absent


def pytest_configure() -> None:
    """Let processes that tests start be interrupted, though a job in the background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def aws_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """Run an AWS account for the whole session."""
    try:
        tool("ministack", "python")
        tool("sam", "sam")
    except ToolMissingError as missing:
        absent(str(missing))
    with MiniStack(tmp_path_factory.mktemp("aws") / "aws.log") as running:
        yield running
