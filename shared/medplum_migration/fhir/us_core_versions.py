"""The US Core versions that can be checked, in the order of their publication."""

import re

VERSIONS = ("5.0.1", "6.1.0", "7.0.0", "8.0.0")

_BOUND = re.compile(r"(?P<name>.+?)(?P<sign><|>=)(?P<bound>[0-9.]+)")


def since(version: str, first: str) -> bool:
    """Tell whether a version is `first` or a later one."""
    return VERSIONS.index(version) >= VERSIONS.index(first)


def in_force(spelled: str, version: str) -> tuple[str, bool]:
    """Split `gender<8.0.0` into the name and whether the version is within the bound."""
    found = _BOUND.fullmatch(spelled)
    if found is None:
        return spelled, True
    return found["name"], since(version, found["bound"]) == (found["sign"] == ">=")
