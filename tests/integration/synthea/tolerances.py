"""Where files and bundles may differ: rules, each of one path and one kind of difference."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

_BOSTON = ZoneInfo("America/New_York")
_HALF_A_DECIMAL = Decimal("0.05")


@dataclass(frozen=True)
class Rule:
    """A difference that is known, where it may be, and how both values must be related."""

    name: str
    path: str
    holds: Callable[[Any, Any], bool]


def local_day(value: Any) -> Any:
    """Give the day of an instant in Massachusetts."""
    return value.astimezone(_BOSTON).date().isoformat() if isinstance(value, datetime) else value


def _rounded(ours: Any, theirs: Any) -> bool:
    numbers = isinstance(ours, Decimal) and isinstance(theirs, Decimal)
    return numbers and ours == round(ours, 1) and abs(ours - theirs) <= _HALF_A_DECIMAL


def _few_digits(ours: Any, theirs: Any) -> bool:
    return bool(theirs % 10 == 0 and abs(ours - theirs) <= 5)


def _without_commas(ours: Any, theirs: Any) -> bool:
    return isinstance(theirs, str) and bool(ours == theirs.replace(",", " "))


def _part_of(ours: Any, theirs: Any) -> bool:
    return isinstance(ours, frozenset) and isinstance(theirs, frozenset) and ours < theirs


def _codes(concept: frozenset[tuple[str, str]]) -> set[str]:
    return {code for _, code in concept}


RULES = (
    Rule("the files hold one decimal", r".*value(Quantity|String)\.value", _rounded),
    Rule(
        "the bundles hold five digits", r"component\[63586-2\]\.valueQuantity\.value", _few_digits
    ),
    Rule("the files hold no commas", r".*", _without_commas),
    Rule("the files hold local days", r".*", lambda ours, theirs: ours == local_day(theirs)),
    Rule("the files hold one of several codings", r"code", _part_of),
    Rule("the local code stays", r"maritalStatus", lambda ours, theirs: _part_of(theirs, ours)),
    Rule(
        "the bundles name a page of DICOM as system",
        r"series\[0\]\.modality",
        lambda ours, theirs: _codes(ours) == _codes(theirs),
    ),
    Rule(
        "the bundles name a picture for its place",
        r"series\[0\]\.instance\[0\]\.title",
        lambda ours, theirs: "Image Storage" in ours and theirs.startswith("Image of"),
    ),
    Rule(
        "a claim's type is a number in the files",
        r"type",
        lambda ours, theirs: _codes(ours) <= {"1", "2"} and len(theirs) == 1,
    ),
    Rule(
        "a diagnosis has a number in its list",
        r"diagnosis\[\w+\]\.sequence",
        lambda ours, theirs: ours > theirs,
    ),
    Rule(
        "a device that is no more in use is active in the bundles",
        r"status",
        lambda *both: both == ("inactive", "active"),
    ),
)


def rule_for(rules: Iterable[Rule], path: str, ours: object, theirs: object) -> str:
    """Name the rule that allows a difference; empty when none does."""
    for rule in rules:
        if re.fullmatch(rule.path, path) and rule.holds(ours, theirs):
            return rule.name
    return ""
