"""The FHIR models: the only import of `fhir.resources`, whose R4B equals R4 for our types."""

import typing
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from pydantic import BaseModel

from medplum_migration.fhir import codes

_RENAMED = {"bool": "boolean", "EncodedBytes": "base64Binary", "UuidVersion": "uuid"}
_SUBJECTS = frozenset(("Patient", "Group", "Device", "Location"))


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type: a primitive by name, a complex type by its model, or a resource."""

    name: str
    kind: str
    many: bool = False
    model: type[BaseModel] | None = None
    codes: frozenset[str] = frozenset()
    codings: frozenset[tuple[str, str]] = frozenset()
    targets: frozenset[str] = frozenset()
    choice: str = ""


@lru_cache(maxsize=256)
def model_of(resource_type: str) -> type[BaseModel] | None:
    """Load the model of a resource type; None when there is no such type."""
    from fhir.resources.R4B import get_fhir_model_class
    from fhir.resources.R4B.resource import Resource as Base

    try:
        found = get_fhir_model_class(resource_type)
    except ValueError:
        return None
    return typing.cast("type[BaseModel]", found) if issubclass(found, Base) else None


@cache
def elements_of(model: type[BaseModel]) -> dict[str, Element]:
    """List a type's elements by their name in JSON."""
    listed = {
        field.alias or name: _element(model, field.alias or name, field)
        for name, field in model.model_fields.items()
        if name != "fhir_comments" and not name.endswith("__ext")
    }
    listed.pop("resource_type", None)
    return listed


@cache
def primitive_extension() -> dict[str, Element]:
    """List the elements of what stands beside a primitive, as `_birthDate`."""
    from fhir.resources.R4B.identifier import Identifier

    listed = elements_of(Identifier)
    return {name: listed[name] for name in ("id", "extension")}


def _element(model: type[BaseModel], name: str, field: Any) -> Element:  # noqa: ANN401 because FieldInfo is the library's
    many, found = _unwrap(field.annotation)
    extra: dict[str, Any] = field.json_schema_extra or {}
    target = _load(found)
    owner = model.__name__
    return Element(
        name=name,
        kind=_kind(found) if target is None else target.__name__,
        many=many,
        model=target,
        codes=_codes(owner, name, extra.get("enum_values", ())),
        codings=codes.codings(owner, name),
        targets=_targets(owner, name, extra.get("enum_reference_types", ())),
        choice=extra.get("one_of_many", ""),
    )


def _codes(owner: str, name: str, known: Iterable[str]) -> frozenset[str]:
    listed = frozenset(known)
    return codes.codes(owner, name) if not listed or "+" in listed else listed


def _targets(owner: str, name: str, known: Iterable[str]) -> frozenset[str]:
    if name == "subject" and owner in {"Observation", "DiagnosticReport"}:
        return _SUBJECTS  # R4B allows five more
    return frozenset(known) - {"Resource"}


def _unwrap(annotation: Any) -> tuple[bool, Any]:  # noqa: ANN401 because annotations have no type
    """Strip Optional and List; returns whether there was a List, and the rest."""
    many = False
    while typing.get_origin(annotation) not in {None, typing.Annotated}:
        many = many or typing.get_origin(annotation) is list
        inner = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
        annotation = inner[0]
    return many, annotation


def _kind(annotation: Any) -> str:  # noqa: ANN401 because annotations have no type
    marks = getattr(annotation, "__metadata__", ())
    name = type(marks[0]).__name__ if marks else annotation.__name__
    return _RENAMED.get(name, name[0].lower() + name[1:])


def _load(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 because annotations have no type
    target = getattr(annotation, "_model_klass", None)
    if isinstance(target, str):
        module, _, name = target.rpartition(".")
        target = getattr(import_module(module), name)
    return typing.cast("type[BaseModel] | None", target)
