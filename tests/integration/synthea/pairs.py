"""Which mapped resource belongs to which of the bundles: by key, or by what tells records apart."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from medplum_migration.domain.data_element import Resource
from tests.integration.synthea.facts import Facts, Keys, facts, legacy_key
from tests.integration.synthea.tolerances import local_day

Name: TypeAlias = tuple[Any, ...]

_TOLD_BY = {
    "PractitionerRole": ("practitioner",),
    "Condition": ("subject", "code", "onsetDateTime"),
    "AllergyIntolerance": ("patient", "code", "recordedDate"),
    "MedicationRequest": ("subject", "medicationCodeableConcept", "authoredOn"),
    "Observation": ("subject", "code", "effectiveDateTime"),
    "Procedure": ("subject", "code", "performedPeriod.start"),
    "Immunization": ("patient", "vaccineCode", "occurrenceDateTime"),
    "Device": ("patient", "udiCarrier[0].carrierHRF"),
    "SupplyDelivery": ("patient", "suppliedItem.itemCodeableConcept", "occurrenceDateTime"),
}
"""What tells records without a key apart; others go by their key."""
_BY_DAY = ("Condition", "AllergyIntolerance", "SupplyDelivery")


class Unpaired(Exception):  # noqa: N818 because it is a finding
    """Some resource has no counterpart, or several."""


def pairs(
    kind: str, mapped: list[tuple[str, Resource]], bundled: list[Resource], keys: Keys
) -> Iterator[tuple[Facts, Facts]]:
    """Pair the resources of a type; raises `Unpaired`, which quotes none."""
    ours = _named([(key, facts(made, keys)) for key, made in mapped], kind)
    theirs = _named([(legacy_key(made), facts(made, keys)) for made in bundled], kind)
    if {name: len(held) for name, held in ours.items()} != {n: len(h) for n, h in theirs.items()}:
        raise Unpaired(kind)
    for name, held in ours.items():
        yield from zip(_in_order(held), _in_order(theirs[name]), strict=True)


def _named(entries: list[tuple[str, Facts]], kind: str) -> Mapping[Name, list[Facts]]:
    found: dict[Name, list[Facts]] = defaultdict(list)
    paths = _TOLD_BY.get(kind, ())
    for key, held in entries:
        found[tuple(_told(held[path], kind) for path in paths) or (key,)].append(held)
    return found


def _told(value: Any, kind: str) -> Any:
    """Spell a fact so that both sides agree; of several codings the first by code."""
    if isinstance(value, frozenset):
        return min(value, key=lambda coding: str(coding[1]))
    return local_day(value) if kind in _BY_DAY else value


def _in_order(held: list[Facts]) -> list[Facts]:
    """Order resources that nothing tells apart."""
    return sorted(held, key=lambda f: [str(f.get(n)) for n in ("encounter", "status")])
