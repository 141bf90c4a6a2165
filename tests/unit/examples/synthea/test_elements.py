"""Synthea's elements: every law on made-up rows, and golden rows by rule."""

from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from examples.synthea.elements import MAPPINGS
from medplum_migration.mapping import laws, strategies
from medplum_migration.mapping.law import Row
from medplum_migration.mapping.mapping import Mapping
from tests.unit.examples.synthea.edges import edges_of

GOLDENS = Path(__file__).parent / "goldens"
_FIXED: dict[str, dict[str, object]] = {
    "observation_panels": {
        "DATE": "2024-01-31T09:05:00Z",
        "PANEL": "85354-9",
        "components": [
            {
                "CODE": "8480-6",
                "DESCRIPTION": "Systolic",
                "TYPE": "numeric",
                "VALUE": "120",
                "UNITS": "mm[Hg]",
            }
        ],
    },
}
"""Columns that only few values fit."""


def of(mapping: Mapping[Any]) -> type[laws.Laws]:
    """Make the test class of a mapping."""

    class TestElement(laws.Laws):
        """All laws of one element."""

        edges: ClassVar[dict[str, strategies.Edges]] = edges_of(mapping)
        examples = 50

        @classmethod
        @cache
        def _pairs(cls) -> list[tuple[Row, Row]]:
            fixed = _FIXED.get(mapping.element, {})
            rows = strategies.rows(mapping, cls.edges).map(lambda row: row | fixed)
            return laws.sample(rows, cls.examples)

    TestElement.mapping, TestElement.goldens = mapping, GOLDENS / mapping.element
    return TestElement


CHECKS = [name for name in dir(laws.Laws) if name.startswith("test_")]


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: mapping.element)
@pytest.mark.parametrize("check", CHECKS)
def test_law(mapping: Mapping[Any], check: str) -> None:
    """Each law holds for each element."""
    getattr(_classes()[mapping.element](), check)()


@cache
def _classes() -> dict[str, type[laws.Laws]]:
    return {mapping.element: of(mapping) for mapping in MAPPINGS}
