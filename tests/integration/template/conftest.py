"""The templates as data, the built artefact, and what to do where the tools are missing."""

import sys
from pathlib import Path
from typing import Any

import pytest
from cfn_flip import load_yaml  # type: ignore[import-untyped] # because it has no stubs

from sandbox.aws.deployment import build
from sandbox.aws.tools import ROOT, ToolMissingError, tool
from tests.required import absent


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The root template."""
    return _load(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def nested() -> dict[str, dict[str, Any]]:
    """The nested templates by name."""
    return {path.stem: _load(path) for path in (ROOT / "infra").glob("*.yaml")}


@pytest.fixture(scope="session")
def sam() -> Path:
    """The SAM CLI; CI must have it, a person may not."""
    return _required("sam", "sam")


@pytest.fixture(scope="session")
def artefact(sam: Path) -> Path:
    """The folder that `sam build` wrote."""
    assert sam.exists()
    return build().parent


@pytest.fixture(scope="session")
def runtime_client() -> Path:
    """The Python with Lambda's runtime client."""
    if sys.platform != "linux":
        pytest.skip("the runtime interface emulator is a Linux program")
    return _required("rie", "python")


def _required(environment: str, program: str) -> Path:
    try:
        return tool(environment, program)
    except ToolMissingError as missing:
        absent(str(missing))


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = load_yaml(path.read_text())
    return loaded
