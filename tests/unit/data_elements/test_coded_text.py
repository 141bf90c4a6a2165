"""Coded text: known prefixes, unknown ones, and back."""

from typing import Any

import pytest

from data_elements.coded_text import LOCAL, coded_text, codings
from medplum_migration.mapping.field import Unmappable


def test_both_ways() -> None:
    """Entries get the system of their prefix, or stay whole under a local one, in their order."""
    text = "ICD10:I10;RXNORM:7980;DSM:300.0;I10;SNOMED-CT:1"
    made = codings(text)
    assert ["I10", "7980", "DSM:300.0", "I10", "1"] == [coding["code"] for coding in made]
    assert [2, 3] == [n for n, coding in enumerate(made) if coding["system"] == LOCAL]
    assert text == coded_text(made)


def test_nothing() -> None:
    """No codings are no text."""
    assert coded_text([]) is None


@pytest.mark.parametrize("text", ["ICD10:I10;", ";", " ICD10:I10", "a  b"])
def test_refused(text: str) -> None:
    """Entries that are no codes are refused, never mended."""
    with pytest.raises(Unmappable):
        codings(text)


@pytest.mark.parametrize(
    "coding",
    [
        {"code": "I10"},
        {"system": "urn:other", "code": "I10"},
        {"system": LOCAL, "code": "ICD10:I10"},
        {"system": LOCAL, "code": "a;b"},
        {"system": LOCAL},
    ],
)
def test_no_place(coding: dict[str, Any]) -> None:
    """Codes that the text could not tell from others are refused."""
    with pytest.raises(Unmappable):
        coded_text([coding])
