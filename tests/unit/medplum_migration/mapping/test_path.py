"""FHIR paths: parse, read, write, remove."""

from typing import Any

import pytest

from medplum_migration.mapping import path

HOME = "telecom[system=phone,use=home].value"


def read(node: dict[str, Any], text: str) -> list[Any]:
    """Read by text."""
    return list(path.read(node, path.parse(text)))


def write(node: dict[str, Any], text: str, value: object) -> dict[str, Any]:
    """Write by text into the node."""
    path.write(node, path.parse(text), value)
    return node


def remove(node: dict[str, Any], text: str) -> dict[str, Any]:
    """Remove by text from the node."""
    path.remove(node, path.parse(text))
    return node


@pytest.mark.parametrize(
    "text", ["", "a.", ".a", "a[b].c", "a[=b]", "a[b=]", "a b", "a[b=c]d", "ä"]
)
def test_not_a_path(text: str) -> None:
    """What is no path is refused."""
    with pytest.raises(ValueError, match="not a"):
        path.parse(text)


def test_conditions() -> None:
    """Conditions are text, or booleans; systems may hold dots and slashes."""
    steps = path.parse("a[b=true,c=https://x.example/y].d[e=false]")
    assert (("b", True), ("c", "https://x.example/y")) == steps[0].where
    assert (
        (("e", False),) == steps[2].where if len(steps) > 2 else steps[1].where == (("e", False),)
    )


@pytest.mark.parametrize(
    ("expected", "node", "text"),
    [
        (["x"], {"a": "x"}, "a"),
        ([], {}, "a"),
        (["x"], {"a": {"b": "x"}}, "a.b"),
        ([], {"a": "x"}, "a.b"),
        (["1"], {"telecom": [{"system": "phone", "use": "home", "value": "1"}]}, HOME),
        ([], {"telecom": [{"system": "phone", "value": "1"}, "odd"]}, HOME),
        ([], {"telecom": {"system": "phone"}}, HOME),
        (["1", "2"], {"a": [{"b": "c", "d": "1"}, {"b": "c", "d": "2"}]}, "a[b=c].d"),
        ([{"b": "c", "d": 1}], {"a": [{"b": "c", "d": 1}]}, "a[b=c]"),
    ],
)
def test_read(expected: list[Any], node: dict[str, Any], text: str) -> None:
    """All selected values are read."""
    assert expected == read(node, text)


@pytest.mark.parametrize(
    ("expected", "node", "text", "value"),
    [
        ({"a": 1}, {}, "a", 1),
        ({"a": {"b": 1}}, {"a": "odd"}, "a.b", 1),
        ({"a": [{"b": "c", "d": 1}]}, {"a": "odd"}, "a[b=c].d", 1),
        ({"a": [{"b": "x"}, {"b": "c", "d": 1}]}, {"a": [{"b": "x"}]}, "a[b=c].d", 1),
        ({"a": [{"b": "c", "d": 1}]}, {"a": [{"b": "c", "z": 2}]}, "a[b=c]", {"d": 1}),
        (
            {"a": [{"b": "c", "d": 1}, {"b": "c", "kept": 3}]},
            {"a": [{"b": "c"}, {"b": "c", "d": 2}, {"b": "c", "d": 2, "kept": 3}]},
            "a[b=c].d",
            1,
        ),
        ({"a": [{"b": "c", "d": 1}]}, {"a": [{"b": "c"}, {"b": "c", "d": 2}]}, "a[b=c]", {"d": 1}),
        ({"a": 2}, {"a": 1, "_a": {"id": "x"}}, "a", 2),
        ({"a": 1, "_a": {"id": "x"}}, {"a": 1, "_a": {"id": "x"}}, "a", 1),
        ({"valueString": "x"}, {"valueBoolean": True}, "valueString", "x"),
    ],
)
def test_write(expected: object, node: dict[str, Any], text: str, value: object) -> None:
    """Writing makes what is missing, and leaves one item that holds the value."""
    assert expected == write(node, text, value)


@pytest.mark.parametrize(
    ("expected", "node", "text"),
    [
        ({}, {"a": 1, "_a": {"id": "x"}}, "a"),
        ({"_a": {"id": "x"}}, {"_a": {"id": "x"}}, "a"),
        ({}, {"a": {"b": 1}}, "a.b"),
        ({"a": {"c": 1}}, {"a": {"b": 1, "c": 1}}, "a.b"),
        ({}, {"a": [{"b": "c", "d": 1}]}, "a[b=c].d"),
        ({"a": [{"b": "c", "e": 1}]}, {"a": [{"b": "c", "d": 1, "e": 1}]}, "a[b=c].d"),
        ({"a": [{"b": "c"}]}, {"a": [{"b": "c"}]}, "a[b=c].d"),
        ({"a": [{"b": "x", "d": 1}]}, {"a": [{"b": "x", "d": 1}, {"b": "c", "d": 1}]}, "a[b=c].d"),
        ({}, {"a": [{"b": "c", "d": 1}]}, "a[b=c]"),
        ({"a": "odd"}, {"a": "odd"}, "a[b=c].d"),
        ({"a": "odd"}, {"a": "odd"}, "a.b"),
    ],
)
def test_remove(expected: object, node: dict[str, Any], text: str) -> None:
    """Removing takes the value, and containers that held nothing else."""
    assert expected == remove(node, text)


def test_overlap() -> None:
    """A path overlaps with one inside it, not with its neighbour."""
    assert path.overlap(path.parse("a.b"), path.parse("a"))
    assert not path.overlap(path.parse("a[b=c].d"), path.parse("a[b=e].d"))
