"""What the build server must have and a person's machine may lack."""

import os
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """Skip for want of a tool or service; on the build server, where all must be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
