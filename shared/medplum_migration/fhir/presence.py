"""Whether an element is there, in any of its spellings (https://hl7.org/fhir/R4/json.html)."""

from typing import Any

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def spellings(node: dict[str, Any], name: str) -> list[str]:
    """List the keys that hold an element: `birthDate` or `_birthDate`, `value[x]` of any type."""
    stem = name.removesuffix("[x]")
    if stem == name:
        return [key for key in (name, f"_{name}") if key in node]
    return [key for key in node if _is_choice(key.removeprefix("_"), stem)]


def has(node: dict[str, Any], name: str) -> bool:
    """Tell whether an element has a value, or an extension in place of one."""
    return bool(spellings(node, name))


def is_absent(node: dict[str, Any]) -> bool:
    """Tell whether a complex element says that its content is not known."""
    return any(extension.get("url") == _ABSENT for extension in node.get("extension", ()))


def _is_choice(key: str, stem: str) -> bool:
    return key.startswith(stem) and key[len(stem) : len(stem) + 1].isupper()
