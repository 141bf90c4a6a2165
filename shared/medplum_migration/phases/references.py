"""References of mapped resources: conditional ones in, `Type/<id>` out, or why that cannot be.

A reference is never dropped and never sent unresolved. A parent that Medplum does not hold yet is
pulled; a child whose parent cannot be there is held back and tried again later, by `parked.py`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import (
    IdentityError,
    MigrationError,
    MissingParentError,
    OrphanError,
)
from medplum_migration.domain.identity import Fence, Identifier, decode_key
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.phases.draft import held_by_record, index_by_identifier
from medplum_migration.ports.fhir_store import FhirStore

Elements: TypeAlias = Mapping[str, ElementMapping[Any]]
Parent: TypeAlias = tuple[str, str]
"""Element and key."""

Pull: TypeAlias = Callable[[str, Sequence[str]], Mapping[str, MigrationError]]
"""Bring records of an element to Medplum, or only look; returns why they are not there, by key."""

_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Link:
    """One reference in a mapped resource, and the record that it leads to.

    It is `required` unless it may stay one by identifier.
    """

    node: dict[str, Any]
    path: str
    resource_type: str
    identifier: Identifier
    parent: Parent
    required: bool

    def resolve(self, resource_id: str) -> None:
        """Write the literal reference."""
        self.node["reference"] = f"{self.resource_type}/{resource_id}"
        self.node["identifier"] = {
            "system": self.identifier.system,
            "value": self.identifier.value,
        }
        self.node.pop("type", None)


class Crosswalk:
    """Where records are in Medplum: resource ids by identifier, searched once and remembered.

    An id never changes while its resource lives, and tombstones keep theirs.
    """

    def __init__(self, elements: Elements, fhir: FhirStore, *, source: str) -> None:
        self._fhir, self._source = fhir, source
        self._ids: OrderedDict[tuple[str, Identifier], str] = OrderedDict()
        self._systems = {
            (shape.resource, declared): (element, shape.system)
            for element, mapping in elements.items()
            for shape in mapping.declaration.shapes
            for declared in {shape.system, mapping.declared(shape.system)}
        }

    def links(self, resource: Resource) -> Iterator[Link]:
        """List the references to records of elements that are not resolved yet."""
        yield from self._links(resource, "")

    def _links(self, node: Any, path: str) -> Iterator[Link]:  # noqa: ANN401 because FHIR values are JSON
        if isinstance(node, list):
            for number, item in enumerate(node):
                yield from self._links(item, f"{path}[{number}]")
        elif isinstance(node, dict):
            link = self._link(node, path)
            if link is not None:
                yield link
                return
            for name, item in node.items():
                if isinstance(item, dict | list):
                    yield from self._links(item, f"{path}.{name}" if path else name)

    def _link(self, node: dict[str, Any], path: str) -> Link | None:
        literal, held = node.get("reference"), node.get("identifier")
        if not isinstance(held, dict) or (literal is None and "type" not in node):
            return None
        kind, conditional, _ = str(literal or f"{node.get('type')}?").partition("?")
        found = self._systems.get((kind, str(held.get("system")))) if conditional else None
        if found is None:
            return None
        element, system = found
        identifier = Identifier(system, str(held.get("value")))
        parent = element, _key_of(identifier.value)
        return Link(node, path, kind, identifier, parent, required=literal is not None)

    def learn(self, links: Iterable[Link]) -> dict[Parent, MigrationError]:
        """Search for what is not remembered; return the parents whose identity is unclear.

        Raises:
            UnavailableError: Medplum does not answer.
            ThrottledError: the quota is used up.

        """
        wanted: dict[str, dict[Identifier, Link]] = {}
        for link in links:
            if (link.resource_type, link.identifier) not in self._ids:
                wanted.setdefault(link.resource_type, {})[link.identifier] = link
        unclear: dict[Parent, MigrationError] = {}
        for resource_type, named in wanted.items():
            index = index_by_identifier(self._fhir.find(resource_type, list(named)))
            for identifier, link in named.items():
                fence = Fence(self._source, *link.parent, 0, 0)
                try:
                    held = held_by_record(index, [identifier], fence)
                except IdentityError as error:
                    unclear[link.parent] = error
                    continue
                if held:
                    self._remember(resource_type, identifier, held[identifier]["id"])
        return unclear

    def _remember(self, resource_type: str, identifier: Identifier, resource_id: str) -> None:
        self._ids[resource_type, identifier] = resource_id
        if len(self._ids) > _REMEMBERED:
            self._ids.popitem(last=False)

    def id_of(self, link: Link) -> str | None:
        """Tell the remembered id of the resource that a reference leads to."""
        return self._ids.get((link.resource_type, link.identifier))


def _key_of(value: str) -> str:
    """Read a key; what no mapping would spell so is taken as it is, and leads to no record."""
    try:
        return decode_key(value)
    except UnicodeError:
        return value


def resolve(
    resources: Mapping[str, Iterable[Resource]], crosswalk: Crosswalk, pull: Pull
) -> dict[str, MigrationError]:
    """Resolve the references in resources by record key, in place; return why not, by key.

    A reference that may stay one by identifier does so only if its parent is an orphan to `pull`.

    Raises:
        TransientError: Medplum or the legacy store did not answer.

    """
    links = {
        key: [link for resource in mapped for link in crosswalk.links(resource)]
        for key, mapped in resources.items()
    }
    every = [link for some in links.values() for link in some]
    if not every:
        return {}
    unclear = crosswalk.learn(every)
    missing = [link for link in every if crosswalk.id_of(link) is None]
    if missing:
        unclear |= _pull_all(missing, unclear, pull)
        unclear |= crosswalk.learn(missing)
    errors: dict[str, MigrationError] = {}
    for key, some in links.items():
        for link in some:
            error = _settle(link, crosswalk.id_of(link), unclear.get(link.parent))
            if error is not None:
                errors.setdefault(key, error)
    return errors


def _pull_all(
    missing: Iterable[Link], unclear: Mapping[Parent, MigrationError], pull: Pull
) -> dict[Parent, MigrationError]:
    wanted: dict[str, dict[str, None]] = {}
    for link in missing:
        element, key = link.parent
        if link.parent not in unclear:
            wanted.setdefault(element, {})[key] = None
    return {
        (element, key): error
        for element, keys in wanted.items()
        for key, error in pull(element, list(keys)).items()
    }


def _settle(
    link: Link, resource_id: str | None, trouble: MigrationError | None
) -> MigrationError | None:
    if resource_id is not None:
        link.resolve(resource_id)
        return None
    if isinstance(trouble, OrphanError) and not link.required:
        return None
    if isinstance(trouble, OrphanError):
        return OrphanError(parent=link.parent, path=link.path)
    if trouble is None or isinstance(trouble, MissingParentError | IdentityError):
        why = trouble.reason if trouble else "the parent gives no such resource"
        return MissingParentError(parent=link.parent, path=link.path, reason=why)
    return trouble
