"""Options: lists with and without standard codes, free text, numbers."""

from typing import Any

import pytest

from data_elements.options import Options, decode_usage, encode_usage
from medplum_migration.mapping.field import Unmappable

LOCAL, STANDARD = "urn:local", "urn:standard"
TABLE = Options(
    "codes/colour.csv",
    lambda: (
        "legacy,code,system,display,relationship,canonical\n"
        f"1,R,{STANDARD},Red,equivalent,\n"
        f"red,R,{STANDARD},Red,equivalent,y\n"
        f"2,2,{LOCAL},Sort of blue,equivalent,y\n"
    ),
    local=LOCAL,
)
RED = {"system": STANDARD, "code": "R", "display": "Red"}


@pytest.mark.parametrize(
    ("concept", "option"),
    [
        ({"coding": [RED, {"system": LOCAL, "code": "1"}], "text": "Red"}, "1"),
        ({"coding": [RED, {"system": LOCAL, "code": "red"}], "text": "Red"}, "red"),
        (
            {
                "coding": [{"system": LOCAL, "code": "2", "display": "Sort of blue"}],
                "text": "Sort of blue",
            },
            "2",
        ),
        ({"text": "green"}, "green"),
    ],
)
def test_both_ways(concept: dict[str, Any], option: str) -> None:
    """Options keep standard code, local code and title; what is none is text; all come back."""
    assert concept == TABLE.decode_option(option)
    assert option == TABLE.encode_option(concept)


def test_numbers() -> None:
    """A column of numbers holds options only."""
    assert 2 == TABLE.encode_number(TABLE.decode_number(2))
    with pytest.raises(Unmappable):
        TABLE.decode_number(3)
    with pytest.raises(Unmappable):
        TABLE.encode_number({"text": "green"})


def test_standard_code_alone() -> None:
    """A standard code without the local one is written as the canonical option."""
    assert "red" == TABLE.encode_option({"coding": [RED]})


@pytest.mark.parametrize(
    "concept",
    [
        {"coding": [{"system": STANDARD, "code": "B"}]},
        {"coding": [RED, {"system": LOCAL, "code": "2"}]},
        {"coding": [{"system": LOCAL, "code": "R"}]},
        {"text": "red"},
        {},
    ],
)
def test_refused(concept: dict[str, Any]) -> None:
    """Unknown and contradicting codes, and text that reads as an option, are refused."""
    with pytest.raises(Unmappable):
        TABLE.encode_option(concept)


@pytest.mark.parametrize(
    ("concept", "columns"),
    [
        (
            {"coding": [RED, {"system": LOCAL, "code": "red"}], "text": "Crimson"},
            ("red", "Crimson"),
        ),
        ({"text": "Crimson"}, (None, "Crimson")),
        ({"coding": [RED, {"system": LOCAL, "code": "1"}]}, ("1", None)),
        ({}, (None, None)),
    ],
)
def test_usage(concept: dict[str, Any], columns: tuple[str | None, str | None]) -> None:
    """Code and title of a drug's use are held apart and come back."""
    assert concept == decode_usage(TABLE, *columns)
    assert columns == encode_usage(TABLE, concept)


def test_usage_unknown() -> None:
    """A use that is no option is refused."""
    with pytest.raises(Unmappable):
        decode_usage(TABLE, "3", "Three")
