"""Real bundles: every resource of Synthea's passes untouched; a failure names paths, not values."""

import json
import lzma
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.fhir.canonical import dumps, loads
from medplum_migration.fhir.strict import validate
from medplum_migration.fhir.us_core import VERSIONS, check
from tests.required import absent

FOLDER = Path(__file__).parents[5] / "shared/legacy/synthea11/fhir"
PEOPLE = 10


def texts() -> list[bytes]:
    """Read the bundles."""
    files = sorted(FOLDER.glob("*.json.xz"))
    if not files:
        absent("../shared/legacy/synthea11/fhir is not there")
    return [lzma.decompress(file.read_bytes()) for file in files]


@cache
def bundles() -> list[list[Resource]]:
    """Load the bundles, with references as they are when a resource is sent."""
    return [_resolved(loads(text)["entry"]) for text in texts()]


def _resolved(entries: list[dict[str, Any]]) -> list[Resource]:
    known = {entry["fullUrl"]: _named(entry["resource"]) for entry in entries}
    return [_point(entry["resource"], known) for entry in entries]


def _named(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _point(node: Any, known: dict[str, str]) -> Any:
    """Copy a node with its `urn:uuid:` and conditional references replaced by literal ones."""
    if isinstance(node, list):
        return [_point(item, known) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {name: _point(value, known) for name, value in node.items()}
    if isinstance(copy.get("reference"), str):
        literal = known.get(copy["reference"], copy["reference"])
        copy["reference"] = re.sub(r"\?.*", "/1", literal)
    return copy


def refusals(judge: Callable[[Resource], None]) -> set[tuple[str, str, str]]:
    """Give type, path without positions, and reason of refusals; assert that nothing changes."""
    found = set()
    for resource in (resource for bundle in bundles() for resource in bundle):
        before = dumps(resource)
        try:
            judge(resource)
        except InvalidResourceError as error:
            path = re.sub(r"\d+", "", error.path)
            found.add((resource["resourceType"], path, error.reason))
        changed = before != dumps(resource)
        assert not changed, resource["resourceType"]
    return found


def test_bundles_are_there() -> None:
    """There are ten people, and the bundles of their hospitals and practitioners."""
    types = Counter(resource["resourceType"] for bundle in bundles() for resource in bundle)
    assert PEOPLE == types["Patient"]
    assert 20 < len(types)


def test_all_pass() -> None:
    """Every resource is valid R4, and is left as it was."""
    assert set() == refusals(validate)


@pytest.mark.parametrize("version", VERSIONS)
def test_us_core(version: str) -> None:
    """Against US Core two kinds are refused, and rightly: both lack what every version demands."""
    reason = f"US Core {version}: must be there"
    expected = {("DiagnosticReport", "category", reason), ("Location", "name", reason)}
    assert expected == refusals(lambda resource: check(resource, version))


def test_digits_survive() -> None:
    """Decimals keep their spelling from the file to the bytes that are sent."""
    for text in texts():
        same = _decimals(text) == _decimals(dumps(loads(text)))
        assert same, "a decimal is spelt otherwise"


def _decimals(text: bytes) -> Counter[str]:
    found: list[str] = []
    json.loads(text, parse_float=found.append)
    return Counter(found)
