"""Resources as facts: path and value, spelled alike for mapped resources and Synthea's bundles.

References become `Type/key` with the legacy key, times instants, concepts sets of codings beside
their words. Items of lists go by what names them, or by their position.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from medplum_migration.domain.identity import decode_key

Resource: TypeAlias = dict[str, Any]
Facts: TypeAlias = dict[str, Any]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_SKIPPED = {"resourceType", "id", "meta", "text"}
_TYPES_BY_IDENTIFIER = ("Organization", "Practitioner", "Location")
_NAMED_BY = {"extension": "url", "identifier": "system", "name": "use"}
_SYNTHEA = "https://github.com/synthetichealth/synthea"


class Keys:
    """Legacy keys behind the references of both sides."""

    def __init__(self, bundles: Mapping[str, list[Resource]], systems: Mapping[str, str]) -> None:
        self._systems = systems
        self._by_identifier: dict[str, str] = {}
        self._by_id: dict[str, str] = {}
        for kind, resources in bundles.items():
            for resource in resources:
                self._by_id[f"urn:uuid:{resource['id']}"] = f"{kind}/{legacy_key(resource)}"
                for entry in resource.get("identifier", ()):
                    token = f"{kind}?identifier={entry.get('system')}|{entry.get('value')}"
                    self._by_identifier[token] = f"{kind}/{legacy_key(resource)}"

    def is_of_record(self, identifier: Resource) -> bool:
        """Tell whether an identifier is the record's own, on either side."""
        return identifier["system"] in {*self._systems, _SYNTHEA}

    def spell(self, reference: Resource) -> str:
        """Spell a reference of either side."""
        identifier = reference.get("identifier", {})
        if identifier.get("system") in self._systems:
            return f"{self._systems[identifier['system']]}/{decode_key(identifier['value'])}"
        literal = reference.get("reference", "")
        if literal in self._by_id:
            return self._by_id[literal]
        named = f"?identifier={identifier.get('system')}|{identifier.get('value')}"
        tokens = (literal, *(f"{kind}{named}" for kind in _TYPES_BY_IDENTIFIER))
        return next(spelled for token in tokens if (spelled := self._by_identifier.get(token)))


def legacy_key(resource: Resource) -> str:
    """Tell the legacy key of a bundle's resource; a location goes by its organization."""
    owner = resource.get("managingOrganization") if resource["resourceType"] == "Location" else None
    return str(owner["identifier"]["value"] if owner else resource["id"])


def facts(resource: Resource, keys: Keys) -> Facts:
    """Spell a resource as facts; what only names the record is left out."""
    kept = {name: value for name, value in resource.items() if name not in _SKIPPED}
    if "identifier" in kept:
        kept["identifier"] = [e for e in kept["identifier"] if not keys.is_of_record(e)]
    return dict(_walk(kept, "", keys))


def _walk(node: Any, path: str, keys: Keys) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _walk(item, f"{path}[{_name(path, number, item)}]", keys)
    elif isinstance(node, dict):
        yield from _object(node, path, keys)
    else:
        yield path, _plain(node)


def _object(node: Resource, path: str, keys: Keys) -> Iterator[tuple[str, Any]]:
    if node.keys() & {"reference", "identifier"} and not isinstance(node.get("identifier"), list):
        yield path, keys.spell(node)
        return
    if "coding" in node:
        yield path, frozenset((c.get("system"), c.get("code")) for c in node["coding"])
        yield f"{path}.words", node["coding"][0].get("display") or node.get("text")
        return
    if set(node) <= {"system", "code", "display"} and "code" in node:
        yield path, frozenset([(node.get("system"), node["code"])])
        yield f"{path}.words", node.get("display")
        return
    for name, value in node.items():
        yield from _walk(value, f"{path}.{name}" if path else name, keys)


def _name(path: str, number: int, item: Any) -> str:
    """Name an item of a list by what tells it from others."""
    last = path.rpartition(".")[2]
    if not isinstance(item, dict):
        return str(number)
    if last == "reaction":
        item = item["manifestation"][0]
    concept = item.get("diagnosisCodeableConcept" if last == "diagnosis" else "code", item)
    concept = concept if isinstance(concept, dict) else item
    if "coding" in concept:
        return str(min(coding["code"] for coding in concept["coding"]))
    named = item.get(_NAMED_BY.get(last, ""))
    return str(named).rpartition("/")[2] if named else str(number)


def _plain(value: Any) -> Any:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(str(value))
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    return value
