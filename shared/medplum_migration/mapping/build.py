"""Building a fresh resource fast: the paths of a mapping, compiled to places that are made once.

Every object or list item that paths go through is a place with a number; a row fills places as its
fields write to them.
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping import path
from medplum_migration.mapping.field import Constant, Field
from medplum_migration.mapping.path import Step, Steps

Node: TypeAlias = dict[str, Any]
Nodes: TypeAlias = list[Node | None]


@dataclass(slots=True)
class Places:
    """Places by number; 0 is the resource. `made` says how: parent, step."""

    made: list[tuple[int, Step]] = field(default_factory=lambda: [(0, Step(""))])
    numbers: dict[Steps, int] = field(default_factory=lambda: {(): 0})

    def number(self, steps: Steps) -> int:
        """Number a place and those above it."""
        if steps not in self.numbers:
            self.made.append((self.number(steps[:-1]), steps[-1]))
            self.numbers[steps] = len(self.made) - 1
        return self.numbers[steps]

    def node(self, nodes: Nodes, number: int) -> Node:
        """Fetch the object at a place, making it and those above it when they are not there."""
        held = nodes[number]
        if held is not None:
            return held
        parent, step = self.made[number]
        above, node = self.node(nodes, parent), dict(step.where or ())
        if step.where is None:
            above[step.name] = node
        else:
            above.setdefault(step.name, []).append(node)
        nodes[number] = node
        return node


@dataclass(frozen=True, slots=True)
class Target:
    """Where a value goes: a name at a place, or the whole place when there is no name."""

    place: int
    name: str


@dataclass(frozen=True, slots=True)
class Builder:
    """The fields of one resource, compiled; `deciding` fields tell whether it is there at all."""

    places: Places
    fields: tuple[tuple[Field, tuple[Target, ...]], ...]
    constants: tuple[tuple[int, Target, Any], ...]
    deciding: frozenset[Field]

    @classmethod
    def of(
        cls,
        fields: tuple[Field, ...],
        constants: tuple[Constant, ...],
        deciding: frozenset[Field] = frozenset(),
    ) -> "Builder":
        """Compile; without `deciding` fields the resource is always there."""
        places = Places()
        targets = tuple((f, tuple(_target(places, s) for s in f.steps)) for f in fields)
        fixed = ((c, path.parse(c.path)) for c in constants)
        return cls(
            places,
            targets,
            tuple((_guard(places, steps), _target(places, steps), c.value) for c, steps in fixed),
            deciding,
        )

    def build(self, resource_type: str, values: dict[str, Any]) -> Resource | None:
        """Map the columns' values to a resource; None when no deciding field says anything.

        Raises:
            Unmappable: from a field.

        """
        resource: Resource = {"resourceType": resource_type}
        nodes: Nodes = [None] * len(self.places.made)
        nodes[0] = resource
        there = not self.deciding
        for entry, targets in self.fields:
            there |= self._field(nodes, entry, targets, values) and entry in self.deciding
        if not there:
            return None
        for guard, target, value in self.constants:
            if nodes[guard] is not None:
                self._put(nodes, target, path.copy(value))
        return resource

    def _field(
        self, nodes: Nodes, entry: Field, targets: tuple[Target, ...], values: dict[str, Any]
    ) -> bool:
        """Write what a field says; tell whether it says anything."""
        if entry.alone is not None:
            value = values[entry.alone]
            if value is not None:
                self._put(nodes, targets[0], value)
            return value is not None
        held = tuple([values[column] for column in entry.columns])
        if held.count(None) == len(held):
            return False
        made = entry.forward(held)
        for target, value in zip(targets, made, strict=True):
            if value is not None:
                self._put(nodes, target, value)
        return made.count(None) < len(made)

    def _put(self, nodes: Nodes, target: Target, value: Any) -> None:  # noqa: ANN401 because FHIR values are JSON
        node = nodes[target.place]
        if node is None:
            node = self.places.node(nodes, target.place)
        if target.name:
            node[target.name] = value
        else:
            node.update(value)


def _target(places: Places, steps: Steps) -> Target:
    if steps[-1].where is not None:
        return Target(places.number(steps), "")
    return Target(places.number(steps[:-1]), steps[-1].name)


def _guard(places: Places, steps: Steps) -> int:
    """Number the list item that must be there for a constant; the resource when there is none."""
    items = [n for n, step in enumerate(steps[:-1], 1) if step.where is not None]
    return places.number(steps[: items[-1]]) if items else 0
