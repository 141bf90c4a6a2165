"""Invariants of US Core that are errors, each by its key; those of observations stand apart."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from medplum_migration.fhir.presence import has, is_absent
from medplum_migration.fhir.us_core_versions import VERSIONS, since

Node: TypeAlias = dict[str, Any]
Values: TypeAlias = Callable[[str], bool]

_NPI = "http://hl7.org/fhir/sid/us-npi"
_CLIA = "urn:oid:2.16.840.1.113883.4.7"
_NAIC = "urn:oid:2.16.840.1.113883.6.300"
_DIAGNOSTICS = "http://terminology.hl7.org/CodeSystem/v2-0074"
_IDENTIFIERS = "http://terminology.hl7.org/CodeSystem/v2-0203"
_DONE = frozenset(("completed", "in-progress"))
_REPORTED = frozenset(("partial", "preliminary", "final", "amended", "corrected", "appended"))
_ORDERS = frozenset(("order", "original-order", "reflex-order", "filler-order", "instance-order"))


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant of a type: what it demands, where it is broken, since which version."""

    key: str
    holds: Callable[[Node], bool]
    path: str = ""
    first: str = VERSIONS[0]


def broken(resource_type: str, resource: Node, version: str) -> Iterator[tuple[str, str]]:
    """Give the path and the key of each rule that a resource breaks."""
    for rule in _RULES.get(resource_type, ()):
        if since(version, rule.first) and not rule.holds(resource):
            yield rule.path or resource_type, f"breaks {rule.key}"


def is_npi(value: str) -> bool:
    """Tell whether the check digit is that of Luhn's algorithm over `80840` and the number."""
    digits = [int(digit) for digit in reversed(f"80840{value}")]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def has_coding(concepts: list[Node], system: str, *codes: str) -> bool:
    """Tell whether one of several concepts has one of the codes."""
    codings = [coding for concept in concepts for coding in concept.get("coding", ())]
    return any(c.get("system") == system and c.get("code") in codes for c in codings)


def _identifiers(system: str, fits: Values) -> Callable[[Node], bool]:
    """Demand of the identifiers of a system that their values fit."""

    def holds(node: Node) -> bool:
        held = [entry for entry in node.get("identifier", ()) if entry.get("system") == system]
        return all(fits(entry["value"]) for entry in held if "value" in entry)

    return holds


def _pattern(pattern: str) -> Values:
    return lambda value: re.fullmatch(pattern, value) is not None


def _any(*names: str) -> Callable[[Node], bool]:
    return lambda node: any(has(node, name) for name in names)


def _named(node: Node) -> bool:
    told = _any("family", "given")
    return is_absent(node) or any(told(one) or is_absent(one) for one in node.get("name", ()))


def _each_named(node: Node) -> bool:
    return all(_any("family", "given")(name) != is_absent(name) for name in node.get("name", ()))


def _attached(node: Node) -> bool:
    held = [content.get("attachment", {}) for content in node.get("content", ())]
    return all(has(one, "url") or has(one, "data") or is_absent(one) for one in held)


def _reported(element: str, *, laboratory: bool) -> Callable[[Node], bool]:
    def holds(node: Node) -> bool:
        concerned = laboratory == has_coding(node.get("category", []), _DIAGNOSTICS, "LAB")
        return not concerned or node.get("status") not in _REPORTED or has(node, element)

    return holds


def _member(node: Node) -> bool:
    kinds = [entry.get("type", {}) for entry in node.get("identifier", ())]
    return has(node, "subscriberId") or has_coding(kinds, _IDENTIFIERS, "MB")


def _on_behalf(node: Node) -> bool:
    return all("onBehalfOf" in agent or not _acts_for(agent) for agent in node.get("agent", ()))


def _acts_for(agent: Node) -> bool:
    who = agent.get("who", {})
    found = who.get("type") or who.get("reference", "").rpartition("/")[0].rpartition("/")[2]
    return found in {"Practitioner", "Device"}


_NPI_RULES = (
    Rule("us-core-16", _identifiers(_NPI, _pattern(r"[0-9]{10}")), "identifier"),
    Rule("us-core-17", _identifiers(_NPI, is_npi), "identifier"),
)

_RULES: dict[str, tuple[Rule, ...]] = {
    "Coverage": (
        Rule("us-core-15", _member, first="6.1.0"),
        Rule(
            "the limit of one payor", lambda node: len(node["payor"]) == 1, "payor", first="6.1.0"
        ),
    ),
    "DiagnosticReport": (
        Rule("us-core-8", _reported("effective[x]", laboratory=True)),
        Rule("us-core-9", _reported("issued", laboratory=True)),
        Rule("us-core-10", _reported("effective[x]", laboratory=False)),
    ),
    "DocumentReference": (Rule("us-core-6", _attached, "content.attachment"),),
    "MedicationRequest": (
        Rule(
            "us-core-21",
            lambda node: node.get("intent") not in _ORDERS or "requester" in node,
            first="6.1.0",
        ),
    ),
    "Organization": (
        *_NPI_RULES,
        Rule("us-core-18", _identifiers(_CLIA, _pattern(r"[0-9]{2}D[0-9]{7}")), "identifier"),
        Rule("us-core-19", _identifiers(_NAIC, _pattern(r"[0-9]{5}")), "identifier"),
    ),
    "Patient": (
        Rule("us-core-6", _named, "name"),
        Rule("us-core-6", _each_named, "name", first="7.0.0"),
    ),
    "Practitioner": _NPI_RULES,
    "PractitionerRole": (
        Rule("us-core-13", _any("practitioner", "organization", "healthcareService", "location")),
        Rule("pd-1", _any("telecom", "endpoint")),
    ),
    "Procedure": (
        Rule(
            "us-core-7",
            lambda node: node.get("status") not in _DONE or has(node, "performed[x]"),
        ),
    ),
    "Provenance": (Rule("provenance-1", _on_behalf, "agent"),),
    "RelatedPerson": (Rule("us-core-14", _any("name", "relationship")),),
}
