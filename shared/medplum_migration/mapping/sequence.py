"""The order of elements: mappings in, the same after those that they refer to out.

https://www.medplum.com/docs/migration/migration-sequence
"""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any

from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.mapping import Mapping


def in_order(mappings: Iterable[Mapping[Any]]) -> tuple[Mapping[Any], ...]:
    """Sort mappings so that each stands after its parents, and else as they stood.

    A reference within an element, as of a department to its organization, decides nothing.

    Raises:
        ConfigurationError: elements refer to each other in a circle, which is named, or to an
            element that is not there.

    """
    known = {mapping.element: mapping for mapping in mappings}
    for name, mapping in known.items():
        if absent := [parent for parent in needs(mapping) if parent not in known]:
            reason = "a mapping refers to an element that is not in MAPPINGS"
            raise ConfigurationError(reason, element=name, parent=absent[0])
    sorter = TopologicalSorter({name: needs(mapping) for name, mapping in known.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        reason = "elements refer to each other in a circle"
        raise ConfigurationError(reason, circle=" -> ".join(reversed(circle))) from None
    return tuple(_drain(sorter, known))


def needs(mapping: Mapping[Any]) -> tuple[str, ...]:
    """Name the elements that must be there before this one."""
    return tuple(p.element for p in mapping.parents if p.element != mapping.element)


def _drain(
    sorter: "TopologicalSorter[str]", known: dict[str, Mapping[Any]]
) -> Iterable[Mapping[Any]]:
    places = {name: place for place, name in enumerate(known)}
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted((*ready, *sorter.get_ready()), key=places.__getitem__)
        first = ready.pop(0)
        sorter.done(first)
        yield known[first]
