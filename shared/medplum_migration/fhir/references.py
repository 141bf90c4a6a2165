"""References: what is wrong with one at send time (https://hl7.org/fhir/R4/references.html)."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from medplum_migration.domain.data_element import Resource

_LITERAL = re.compile(r"(?:https?://\S+/)?([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}(?:/_history/\S+)?")


def contained_types(resource: Resource) -> dict[str, str]:
    """Name the types that `#` references lead to: the contained resources and the resource."""
    held = resource.get("contained")
    entries = [e for e in held if isinstance(e, dict)] if isinstance(held, list) else []
    types = {f"#{entry.get('id')}": str(entry.get("resourceType")) for entry in entries}
    return types | {"#": str(resource.get("resourceType"))}


def fault(reference: dict[str, Any], targets: Collection[str], contained: Mapping[str, str]) -> str:
    """Say what is wrong with a reference; empty when nothing is, or nothing can be told."""
    literal, kind = reference.get("reference"), reference.get("type")
    if isinstance(literal, str):
        if literal.startswith("#"):
            found = contained.get(literal)
        elif "?" in literal or literal.startswith("urn:"):
            return "the reference is not resolved"
        else:
            match = _LITERAL.fullmatch(literal)
            found = match[1] if match else None
        if found is None:
            return "the reference leads nowhere"
        if kind not in {None, found}:
            return "the reference contradicts its type"
        kind = found
    return "" if kind is None or not targets or kind in targets else "a reference to a wrong type"
