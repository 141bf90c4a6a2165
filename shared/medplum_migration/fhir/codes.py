"""Required bindings of FHIR R4: which codes an element may hold; data generated from R4 value sets.

`required_codes.json` comes from tests/unit/medplum_migration/fhir/generate_codes.py. Currencies,
MIME types and languages cannot be listed and are left out.
"""

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def _table() -> dict[str, Any]:
    text = resources.files("medplum_migration.fhir").joinpath("required_codes.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def codes(owner: str, element: str) -> frozenset[str]:
    """List the codes of a `code` element; empty when any code is allowed.

    `owner` is a type or backbone element as one word: `Patient`, `TimingRepeat`.
    """
    by_system = _set(f"{owner}.{element}")
    return frozenset(code for found in by_system.values() for code in found.split())


@cache
def codings(owner: str, element: str) -> frozenset[tuple[str, str]]:
    """List (system, code) of a CodeableConcept with a required binding; empty when it has none."""
    by_system = _set(f"{owner}.{element}!")
    return frozenset(
        (system, code) for system, found in by_system.items() for code in found.split()
    )


def _set(binding: str) -> dict[str, str]:
    name = _table()["bindings"].get(binding)
    found: dict[str, str] = _table()["sets"][name] if name else {}
    return found
