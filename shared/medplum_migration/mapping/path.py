"""FHIR paths: `name[use=official].family` reads, writes and removes one place of a resource.

Steps are separated by dots. `[key=value]`, or several joined by commas, selects the items of a list
whose keys have these values; `true` and `false` are booleans. A path owns what it selects, whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from medplum_migration.domain.data_element import Resource

Conditions: TypeAlias = tuple[tuple[str, str | bool], ...]
Node: TypeAlias = dict[str, Any]

_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[([^\[\]]+)\])?(\.|$)", re.ASCII)
_CHOICE_VALUE = re.compile(r"value[A-Z]\w*")


@dataclass(frozen=True, slots=True)
class Step:
    """One name, with the conditions on list items, or None when the name holds no list."""

    name: str
    where: Conditions | None = None

    def matches(self, item: object) -> bool:
        """Tell whether a list item meets the conditions."""
        return isinstance(item, dict) and all(item.get(k) == v for k, v in self.where or ())

    def items(self, node: Node) -> list[Node]:
        """Select the items below `node`."""
        held = node.get(self.name)
        if self.where is None:
            return [held] if isinstance(held, dict) else []
        return [item for item in held if self.matches(item)] if isinstance(held, list) else []


Steps: TypeAlias = tuple[Step, ...]


@cache
def parse(text: str) -> Steps:
    """Parse a path.

    Raises:
        ValueError: the text is not a path.

    """
    steps: list[Step] = []
    position, more = 0, "."
    while more:
        found = _STEP.match(text, position)
        if found is None:
            message = f"not a path: {text!r}; write name.name or name[key=value].name"
            raise ValueError(message)
        steps.append(Step(found[1], _conditions(found[2]) if found[2] else None))
        position, more = found.end(), found[3]
    return tuple(steps)


def _conditions(text: str) -> Conditions:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(key and sign and value for key, sign, value in pairs):
        message = f"not a list filter: [{text}]; write [key=value]"
        raise ValueError(message)
    return tuple((key, {"true": True, "false": False}.get(value, value)) for key, _, value in pairs)


def read(node: Node, steps: Steps) -> Iterator[Any]:
    """Yield every value that the path selects."""
    step, rest = steps[0], steps[1:]
    if rest:
        for item in step.items(node):
            yield from read(item, rest)
    elif step.where is not None:
        yield from step.items(node)
    elif step.name in node:
        yield node[step.name]


def write(node: Node, steps: Steps, value: Any) -> None:  # noqa: ANN401 because FHIR values are JSON
    """Set the value; the first selected item is used or made, further ones lose theirs."""
    step, rest = steps[0], steps[1:]
    if step.where is None:
        if rest:
            write(_child(node, step.name), rest, value)
        else:
            _assign(node, step.name, value)
        return
    first, *others = step.items(node) or [_append(node, step)]
    if rest:
        write(first, rest, value)
    else:
        first.clear()
        first.update(step.where, **value)
    for other in others:
        _discard(node, step, other, rest)


def _child(node: Node, name: str) -> Node:
    child = node.get(name)
    if not isinstance(child, dict):
        child = node[name] = {}
    return child


def _append(node: Node, step: Step) -> Node:
    held = node.get(step.name)
    if not isinstance(held, list):
        held = node[step.name] = []
    item: Node = dict(step.where or ())
    held.append(item)
    return item


def _assign(node: Node, name: str, value: object) -> None:
    if name in node and node[name] == value:
        return
    node.pop(f"_{name}", None)  # an extension of a primitive speaks of the value that goes
    if _CHOICE_VALUE.fullmatch(name):
        for other in [k for k in node if _CHOICE_VALUE.fullmatch(k)]:
            del node[other]
    node[name] = value


def remove(node: Node, steps: Steps) -> bool:
    """Remove what the path selects, and containers left empty; tell whether anything went."""
    step, rest = steps[0], steps[1:]
    if step.where is not None:
        discarded = [_discard(node, step, item, rest) for item in step.items(node)]
        return any(discarded)
    if not rest:
        return _drop(node, step.name)
    gone = False
    for child in step.items(node):
        gone = remove(child, rest)
        if gone and not child:
            del node[step.name]
    return gone


def _drop(node: Node, name: str) -> bool:
    held = name in node
    if held:
        del node[name]
        node.pop(f"_{name}", None)
    return held


def _discard(node: Node, step: Step, item: Node, rest: Steps) -> bool:
    """Remove the rest of the path from one item, and the item when only its filter is left."""
    if rest and not remove(item, rest):
        return False
    if not rest or item.keys() <= {key for key, _ in step.where or ()}:
        held = [other for other in node[step.name] if other is not item]
        node[step.name] = held
        if not held:
            del node[step.name]
    return True


def copy(value: Any) -> Any:  # noqa: ANN401 because FHIR values are JSON
    """Copy JSON so that nothing is shared."""
    if isinstance(value, dict):
        return {key: copy(item) for key, item in value.items()}
    return [copy(item) for item in value] if isinstance(value, list) else value


def overlap(one: Steps, other: Steps) -> bool:
    """Tell whether one path lies inside the other."""
    return all(a == b for a, b in zip(one, other, strict=False))


def without(resource: Resource, *names: str) -> Resource:
    """Copy a resource, leaving out top-level names."""
    return {name: copy(value) for name, value in resource.items() if name not in names}
