"""The last gate before a write: a resource in, `InvalidResourceError` or nothing out.

Rejects what `fhir.resources` and Medplum let through: empty and blank values, control characters,
codes outside required bindings, coerced booleans and numbers, days that do not exist, times without
zone, two elements of one choice, references to wrong types or not resolved, broken invariants.
Reasons never quote a value. Medplum's own fields in `meta` are passed over.
"""

from collections.abc import Collection
from typing import Any, NoReturn, TypeAlias

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.domain.identity import is_safe_value
from medplum_migration.fhir import r4
from medplum_migration.fhir import us_core as profiles
from medplum_migration.fhir.invariants import broken
from medplum_migration.fhir.primitives import CHECKS
from medplum_migration.fhir.r4 import Element
from medplum_migration.fhir.references import contained_types, fault
from medplum_migration.fhir.structure import check_structure

Node: TypeAlias = dict[str, Any]

_SERVER_META = frozenset(
    ("author", "project", "account", "accounts", "compartment", "onBehalfOf", "deleted")
)


def validate(resource: Resource, *, own_systems: Collection[str] = (), us_core: str = "") -> None:
    """Check a resource as it is about to be sent; against a version of US Core if one is given.

    Identifiers of `own_systems` are used in conditional URLs and must stay in the safe alphabet;
    business identifiers may hold any character.

    Raises:
        InvalidResourceError: with the FHIR path and what is wrong there.
        ConfigurationError: the version is none of `us_core.VERSIONS`.

    """
    sent = _without_server_meta(resource)
    _Walk(contained_types(sent)).resource(sent, "")
    _check_identifiers(sent, own_systems)
    check_structure(sent)
    if us_core:
        profiles.check(sent, us_core)


def _without_server_meta(resource: Resource) -> Resource:
    meta = resource.get("meta")
    if not isinstance(meta, dict) or not meta.keys() & _SERVER_META:
        return resource
    kept = {name: value for name, value in meta.items() if name not in _SERVER_META}
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return rest | {"meta": kept} if kept else rest


def _check_identifiers(resource: Resource, own_systems: Collection[str]) -> None:
    held = resource.get("identifier", [])
    for number, entry in enumerate(held if isinstance(held, list) else [held]):
        if entry.get("system") in own_systems and not is_safe_value(entry.get("value", "")):
            _fail(f"identifier[{number}].value", "outside the alphabet of conditional URLs")


def _fail(path: str, reason: str) -> NoReturn:
    raise InvalidResourceError(path=path, reason=reason) from None


class _Walk:
    """One pass over a resource; `contained` gives the types that `#` references lead to."""

    def __init__(self, contained: dict[str, str]) -> None:
        self._contained = contained

    def resource(self, node: object, path: str) -> None:
        kind = node.get("resourceType") if isinstance(node, dict) else None
        model = r4.model_of(kind) if isinstance(kind, str) else None
        if model is None or not isinstance(node, dict):
            _fail(_join(path, "resourceType"), "unknown resource type")
        rest = {name: value for name, value in node.items() if name != "resourceType"}
        self._object(rest, r4.elements_of(model), model.__name__, path)

    def _object(self, node: object, known: dict[str, Element], kind: str, path: str) -> None:
        if not isinstance(node, dict) or not node:
            _fail(path or kind, "an object with content is expected")
        for name in node:
            plain = str(name).removeprefix("_")
            element = known.get(plain)
            if element is None or (plain != name and element.model is not None):
                _fail(_join(path, name), "unknown element")
            self._values(node, name, element, path)
        _check_choices(node, known, path)
        _check_invariants(node, kind, path)

    def _values(self, node: Node, name: str, element: Element, path: str) -> None:
        where, value = _join(path, name), node[name]
        if not element.many:
            self._one(value, name, element, where)
            return
        if not isinstance(value, list) or not value:
            _fail(where, "a list with content is expected")
        for number, item in enumerate(value):
            if item is None and _has_twin(node, name, number):
                continue
            self._one(item, name, element, f"{where}[{number}]")

    def _one(self, value: object, name: str, element: Element, where: str) -> None:
        if name != element.name:
            self._object(value, r4.primitive_extension(), "Element", where)
        elif element.kind == "Resource":
            self.resource(value, where)
        elif element.model is not None:
            self._object(value, r4.elements_of(element.model), element.kind, where)
            self._check_bound(value, element, where)
        else:
            _check_primitive(value, element, where)

    def _check_bound(self, value: Any, element: Element, where: str) -> None:  # noqa: ANN401 because FHIR values are JSON
        if element.kind == "Reference":
            wrong = fault(value, element.targets, self._contained)
            if wrong:
                _fail(where, wrong)
        if element.codings:
            held = {(c.get("system"), c.get("code")) for c in value.get("coding", ())}
            if not held & element.codings:
                _fail(where, "no code of the required value set")


def _check_primitive(value: object, element: Element, where: str) -> None:
    wrong = CHECKS[element.kind](value)
    if wrong:
        _fail(where, wrong)
    if element.codes and value not in element.codes:
        _fail(where, "not a code of the required value set")


def _has_twin(node: Node, name: str, number: int) -> bool:
    """Tell whether the null at a position is filled by its counterpart with or without `_`."""
    other = node.get(name.removeprefix("_") if name.startswith("_") else f"_{name}")
    held = other[number : number + 1] if isinstance(other, list) else []
    return bool(held) and held[0] is not None


def _check_choices(node: Node, known: dict[str, Element], path: str) -> None:
    named = {name.removeprefix("_") for name in node}
    chosen = [choice for name in named if (choice := known[name].choice)]
    for choice in chosen:
        if chosen.count(choice) > 1:
            _fail(_join(path, f"{choice}[x]"), "two elements of one choice")


def _check_invariants(node: Node, kind: str, path: str) -> None:
    key = broken(kind, node)
    if key:
        _fail(path or kind, f"breaks {key}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
