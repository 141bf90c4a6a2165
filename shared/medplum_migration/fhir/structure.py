"""Structure: names, types and cardinality, judged by the models of `fhir.resources`.

The models do not know every primitive whose value is missing and explained by an extension, so a
resource that they refuse is judged again with stand-ins for such values.
"""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.fhir import r4

_STAND_INS: dict[str, object] = {
    "base64Binary": "eA==",
    "boolean": True,
    "date": "2000",
    "dateTime": "2000",
    "decimal": 1,
    "instant": "2000-01-01T00:00:00Z",
    "integer": 1,
    "oid": "urn:oid:1.2",
    "positiveInt": 1,
    "time": "00:00:00",
    "unsignedInt": 1,
    "uuid": "urn:uuid:00000000-0000-4000-8000-000000000000",
    "xhtml": "<div>x</div>",
}
_REASONS = {
    "extra_forbidden": "unknown element",
    "missing": "required element is missing",
    "model_field_validation.missing": "required element is missing",
    "value_error": "an element of a required choice is missing",
}


def check_structure(resource: Resource) -> None:
    """Check names, types and cardinality with the model.

    Raises:
        InvalidResourceError: names the path and the kind of fault.

    """
    model = r4.model_of(str(resource.get("resourceType")))
    if model is None:
        raise InvalidResourceError(path="resourceType", reason="unknown resource type")
    fault = _fault(model, resource)
    fault = fault and _fault(model, _filled(resource, r4.elements_of(model)))
    if fault is not None:
        where = ".".join(str(part) for part in fault["loc"]) or str(resource["resourceType"])
        reason = _REASONS.get(fault["type"], fault["type"])
        raise InvalidResourceError(path=where, reason=reason)


def _fault(model: type[BaseModel], resource: Resource) -> ErrorDetails | None:
    try:
        model.model_validate(resource)
    except ValidationError as error:
        return error.errors(include_url=False, include_context=False, include_input=False)[0]
    return None


def _filled(node: dict[str, Any], known: dict[str, r4.Element]) -> dict[str, Any]:
    """Copy a node, with stand-ins for the values that extensions explain."""
    filled: dict[str, Any] = {}
    for key, value in node.items():
        element = known.get(key.removeprefix("_"))
        if element is None:
            filled[key] = value
        elif element.model is None:
            held = _primitive(node, element)
            filled |= {} if held is None else {element.name: held}
        elif isinstance(value, list):
            filled[key] = [_complex(item, element) for item in value]
        else:
            filled[key] = _complex(value, element)
    return filled


def _primitive(node: dict[str, Any], element: r4.Element) -> object:
    value, stand_in = node.get(element.name), _STAND_INS.get(element.kind, "x")
    if isinstance(value, list):
        return [stand_in if item is None else item for item in value]
    explained = element.many or "extension" in node.get(f"_{element.name}", {})
    if value is None and explained:
        return [stand_in] if element.many else stand_in
    return value


def _complex(value: object, element: r4.Element) -> object:
    if not isinstance(value, dict):
        return value
    resource = r4.model_of(str(value.get("resourceType")))
    model = resource if element.kind == "Resource" else element.model
    return _filled(value, r4.elements_of(model)) if model else value
