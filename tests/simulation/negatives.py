"""Broken protocols (design: the write protocol): each must be caught by the same harness."""

from medplum_migration.adapters.table import Item
from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.identity import Fence
from medplum_migration.ports.fhir_store import ConditionalCreate, GuardedUpdate
from medplum_migration.simulation.process import SOURCE, Payload, Ports
from medplum_migration.simulation.scenario import Budget, Scenario
from tests.simulation.people import PEOPLE, person

_DONE = {"done": True}


def _event(payload: Payload) -> ChangeEvent:
    assert isinstance(payload, ChangeEvent)
    return payload


def _image(event: ChangeEvent, row: dict[str, object] | None = None) -> Resource:
    """Map an event's image, or a row, or make a tombstone, with a fence."""
    row = row or event.image
    mapped = PEOPLE.tombstone(event.key) if row is None else PEOPLE.to_fhir(row)
    assert isinstance(mapped, tuple)
    fence = Fence(SOURCE, "people", event.key, event.version, PEOPLE.mapping_version)
    return {**mapped[0], "meta": {**mapped[0].get("meta", {}), "source": fence.uri()}}


def _held(ports: Ports, event: ChangeEvent) -> Resource | None:
    found = ports.fhir.find("Patient", PEOPLE.identifiers(event.key))
    return found[0] if found else None


def _guarded(ports: Ports, event: ChangeEvent, held: Resource | None, body: Resource) -> bool:
    """Write conditionally; tell whether nobody was faster."""
    if held is None:
        (identifier,) = PEOPLE.identifiers(event.key)
        (result,) = ports.fhir.write([ConditionalCreate(identifier, body)])
    else:
        update = GuardedUpdate(held["id"], held["meta"]["versionId"], body)
        (result,) = ports.fhir.write([update])
    return bool(result.resource_id)


def blind_upsert(ports: Ports, payload: Payload) -> bool:
    """Create or replace by identifier, whatever is there."""
    ports.fhir.put(_image(_event(payload)))
    return True


def table_first(ports: Ports, payload: Payload) -> bool:
    """Note in a table that the event is done, then write."""
    event = _event(payload)
    name = f"event#{event.version}"
    if ports.items.get(event.key, name) is not None:
        return True
    ports.items.put_if_newer([Item(event.key, name, _DONE, (1, 0))])
    held = _held(ports, event)
    if held is None or _version(held) < event.version:
        return _guarded(ports, event, held, _image(event))
    return True


def target_first(ports: Ports, payload: Payload) -> bool:
    """Look up the version in a table, write, then note the version."""
    event = _event(payload)
    known = ports.items.get(event.key, "version")
    if known is not None and known.order[0] >= event.version:
        return True
    ports.fhir.put(_image(event))
    ports.items.put_if_newer([Item(event.key, "version", _DONE, (event.version, 0))])
    return True


def hard_delete(ports: Ports, payload: Payload) -> bool:
    """Fence every write, but delete what is deleted."""
    event = _event(payload)
    held = _held(ports, event)
    if held is not None and _version(held) >= event.version:
        return True
    if event.operation is Operation.DELETE:
        if held is not None:
            ports.fhir.remove("Patient", held["id"])
        return True
    return _guarded(ports, event, held, _image(event))


def tombstone_outside(ports: Ports, payload: Payload) -> bool:
    """Keep tombstones in a table, and look there before each write."""
    event = _event(payload)
    buried = ports.items.get(event.key, "tombstone")
    if buried is not None and buried.order[0] >= event.version:
        return True
    if event.operation is Operation.DELETE:
        ports.items.put_if_newer([Item(event.key, "tombstone", _DONE, (event.version, 0))])
        held = _held(ports, event)
        if held is not None:
            ports.fhir.remove("Patient", held["id"])
        return True
    held = _held(ports, event)
    if held is not None and _version(held) >= event.version:
        return True
    return _guarded(ports, event, held, _image(event))


def thin_without_version(ports: Ports, payload: Payload) -> bool:
    """Read the row strongly and write it with If-Match, but without its version."""
    event = _event(payload)
    held = _held(ports, event)
    (record,) = ports.legacy.read("people", [event.key])
    body = _image(event, dict(record.row) if record.row else None)
    del body["meta"]["source"]
    if not body["meta"]:
        del body["meta"]
    if held is not None and PEOPLE.view(held) == PEOPLE.view(body):
        return True
    return _guarded(ports, event, held, body)


def _version(resource: Resource) -> int:
    fence = Fence.parse(resource["meta"]["source"])
    return fence.version if fence else -1


_FULL = (person("A", "full"), person("B", "full"))
_DELETED = (person("A", "full"), person(None))

NEGATIVES: tuple[Scenario, ...] = (
    Scenario(
        name="blind upsert",
        elements=(PEOPLE,),
        commits=_FULL,
        work=blind_upsert,
        fenced=False,
    ),
    Scenario(
        name="table first, target after",
        elements=(PEOPLE,),
        commits=_FULL,
        work=table_first,
        budget=Budget(crashes=1),
        fenced=False,
    ),
    Scenario(
        name="target first, table after",
        elements=(PEOPLE,),
        commits=_FULL,
        dual_writers=2,
        work=target_first,
        fenced=False,
    ),
    Scenario(
        name="fence, but hard delete",
        elements=(PEOPLE,),
        commits=_DELETED,
        work=hard_delete,
        fenced=False,
    ),
    Scenario(
        name="tombstones outside the target",
        elements=(PEOPLE,),
        commits=_DELETED,
        dual_writers=2,
        work=tombstone_outside,
        fenced=False,
    ),
    Scenario(
        name="thin events, no version written",
        elements=(PEOPLE,),
        commits=(person("A"), person("B"), person("A")),
        dual_writers=2,
        work=thin_without_version,
        fenced=False,
    ),
)
