"""Decide what must be written for one record: held resources and a row in, writes out."""

from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medplum_migration.domain.data_element import LegacyRecord, Resource
from medplum_migration.domain.errors import IdentityError, MappingError
from medplum_migration.domain.identity import Fence, Identifier
from medplum_migration.fhir.canonical import digest
from medplum_migration.mapping.mapping import Mapping, Quarantine
from medplum_migration.mapping.part import is_tombstone
from medplum_migration.ports.fhir_store import ConditionalCreate, FhirStore, GuardedUpdate, Write
from medplum_migration.ports.manifest import ResourceRef

if TYPE_CHECKING:
    from medplum_migration.phases.target import Target

Held = Dict[Identifier, Resource]
Wanted = dict[Identifier, Resource]


@dataclass(frozen=True, slots=True)
class Draft:
    """The writes that bring one record to `version`; `kept` are its resources already there."""

    version: int
    deleted: bool
    content_hash: str
    writes: list[Write] = field(default_factory=list)
    kept: list[ResourceRef] = field(default_factory=list)


def index_by_identifier(resources: Iterable[Resource]) -> dict[Identifier, list[Resource]]:
    """Sort resources by each of their identifiers."""
    index: dict[Identifier, list[Resource]] = {}
    for resource in resources:
        for identifier in set(identifiers_of(resource)):
            index.setdefault(identifier, []).append(resource)
    return index


def find_all(
    fhir: FhirStore, mapping: Mapping[Any], identifiers: Iterable[Identifier]
) -> list[Resource]:
    """Search for an element's resources, one search per resource type."""
    named: dict[str, list[Identifier]] = {}
    for identifier in identifiers:
        named.setdefault(mapping.systems[identifier.system], []).append(identifier)
    return [resource for kind, some in named.items() for resource in fhir.find(kind, some)]


def held_by_record(
    index: Dict[Identifier, list[Resource]], wanted: Iterable[Identifier], record: Fence
) -> dict[Identifier, Resource]:
    """Pick what Medplum holds for one record.

    Raises:
        IdentityError: an identifier leads to several resources, or to one that does not carry this
            record's fence and so was written by somebody else.

    """
    held: dict[Identifier, Resource] = {}
    for identifier in wanted:
        for resource in index.get(identifier, ()):
            stored = Fence.parse(resource.get("meta", {}).get("source"))
            if identifier in held:
                reason = "several resources carry the record's identifier"
                raise IdentityError(reason, element=record.element)
            if stored is None or stored.record != record.record:
                reason = "the resource with the record's identifier does not carry its fence"
                raise IdentityError(reason, element=record.element)
            held[identifier] = resource
    return held


def identifiers_of(resource: Resource) -> list[Identifier]:
    """List a resource's identifiers that have both a system and a value."""
    return [
        Identifier(entry["system"], entry["value"])
        for entry in resource.get("identifier", ())
        if "system" in entry and "value" in entry
    ]


def newest(held: Held) -> tuple[int, int] | None:
    """Tell the highest fence among a record's resources; None when there are none."""
    return max((order_of(resource) for resource in held.values()), default=None)


def left_behind(held: Held) -> dict[Identifier, Resource]:
    """Pick what a record shows of an older version than its newest; tombstones show nothing."""
    stored = newest(held)
    return {
        name: resource
        for name, resource in held.items()
        if order_of(resource) != stored and not is_tombstone(resource)
    }


def burials(key: str, held: Held, mapping: Mapping[Any]) -> list[Write]:
    """Write tombstones over what is left behind; its fence stays, so that it may come back."""
    graves = _keyed(mapping.tombstone(key), mapping.identifiers(key), mapping)
    return [
        _write(name, resource, mapping.merge(resource, graves[name]))
        for name, resource in left_behind(held).items()
    ]


def order_of(resource: Resource) -> tuple[int, int]:
    """Tell the fence of a resource; (-1, -1) when it carries none."""
    fence = Fence.parse(resource.get("meta", {}).get("source"))
    return fence.order if fence else (-1, -1)


def draft(
    record: LegacyRecord, held: Held, wanted: Wanted, mapping: Mapping[Any], target: "Target"
) -> Draft:
    """Compare the resources that a record should have with what Medplum holds.

    Raises:
        PermanentError: what is wanted is not valid.

    """
    fence = Fence(
        target.source, mapping.element, record.key, record.version, mapping.mapping_version
    )
    for resource in wanted.values():
        target.validate(resource)
    result = Draft(
        record.version, record.row is None, digest(target.hash_key, list(wanted.values()))
    )
    for identifier, resource in wanted.items():
        current = held.get(identifier)
        if current is not None and order_of(current) >= fence.order:
            result.kept.append(reference_to(current))
            continue
        body = mapping.merge(current, resource)
        claimed = target.claims.meta(body.get("meta", {}), mapping.profile)
        body["meta"] = {**claimed, "source": fence.uri()}
        result.writes.append(_write(identifier, current, body))
    return result


def reference_to(resource: Resource) -> ResourceRef:
    """Name a stored resource for the manifest."""
    return ResourceRef(
        resource_type=resource["resourceType"],
        resource_id=resource["id"],
        version_id=resource["meta"]["versionId"],
    )


def _write(identifier: Identifier, current: Resource | None, body: Resource) -> Write:
    if current is None:
        return ConditionalCreate(identifier, body)
    return GuardedUpdate(current["id"], current["meta"]["versionId"], body)


def wanted_resources(record: LegacyRecord, held: Held, mapping: Mapping[Any]) -> Wanted:
    """Tell which resources a record should have: the mapped ones, and tombstones of those it lost.

    A deleted record that Medplum never saw has one tombstone, which keeps older images out.

    Raises:
        MappingError: the record cannot be mapped, or gives nothing and never gave anything.

    """
    allowed = mapping.identifiers(record.key)
    tombstones = _keyed(mapping.tombstone(record.key), allowed, mapping)
    if record.row is None:
        graves = {name: grave for name, grave in tombstones.items() if name in held}
        return graves or dict([next(iter(tombstones.items()))])
    wanted = _keyed(_map(record.row, mapping), allowed, mapping)
    lost = {name: tombstones[name] for name in held if name not in wanted}
    if not wanted and not lost:
        reason = "the record gives no resource"
        raise MappingError(element=mapping.element, path="", reason=reason)
    return wanted | lost


def _map(row: Dict[str, Any], mapping: Mapping[Any]) -> tuple[Resource, ...]:
    mapped = mapping.to_fhir(row)
    if isinstance(mapped, Quarantine):
        raise MappingError(element=mapping.element, path=mapped.column, reason=mapped.why)
    return mapped


def _keyed(
    resources: tuple[Resource, ...], allowed: tuple[Identifier, ...], mapping: Mapping[Any]
) -> dict[Identifier, Resource]:
    keyed: dict[Identifier, Resource] = {}
    for resource in resources:
        own = [name for name in identifiers_of(resource) if name in allowed]
        if len(own) != 1 or own[0] in keyed:
            reason = "a mapped resource does not carry exactly one identifier of its record"
            raise MappingError(element=mapping.element, path="identifier", reason=reason)
        keyed[own[0]] = resource
    return keyed
