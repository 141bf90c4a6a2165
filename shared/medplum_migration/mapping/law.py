"""The laws of mappings, each as a check of one row; `other` is a second row.

A check raises `AssertionError` and returns whether the row mapped; about others it says nothing.
"""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.identity import is_safe_value
from medplum_migration.fhir.canonical import dumps, loads
from medplum_migration.fhir.strict import validate
from medplum_migration.mapping import path, strategies
from medplum_migration.mapping.field import Field, Unmappable
from medplum_migration.mapping.mapping import Mapping, Quarantine

Row: TypeAlias = dict[str, object]
Law: TypeAlias = Callable[[Mapping[Any], Row, Row], bool]
"""Mapping, row and other row; returns whether the row mapped."""

FOREIGN: Resource = {
    "id": "4d0f2c8e",
    "meta": {"tag": [{"system": "https://other.example", "code": "seen"}], "accounts": [{}]},
    "identifier": [{"system": "https://other.example", "value": "7"}],
    "extension": [{"url": "https://other.example", "valueString": "kept"}],
    "language": "en",
}
"""What others have put into a resource."""


def demand(holds: object, what: str) -> None:
    """Raise unless something holds."""
    if not holds:
        raise AssertionError(what)


def mapped(mapping: Mapping[Any], row: Row) -> tuple[Resource, ...]:
    """Map a row to its resources; none when it is quarantined, or says nothing."""
    made = mapping.to_fhir(row)
    return () if isinstance(made, Quarantine) else made


def totality(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """Any row gives resources or a Quarantine that names a column and quotes no value."""
    del other
    made = mapping.to_fhir(row)
    if not isinstance(made, Quarantine):
        return bool(made)
    demand(made.column in mapping.columns, "a quarantine names no column")
    quoted = [value for value in row.values() if isinstance(value, str) and len(value) > 3]  # noqa: PLR2004 because shorter ones occur by chance
    demand(not any(value in made.why for value in quoted), "a quarantine quotes a value")
    return False


def isomorphism(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """`back(to(v)) == v` for each field that is not lossy."""
    del other
    parsed = mapping.parse(row)
    if isinstance(parsed, Quarantine) or not mapped(mapping, row):
        return False
    for field in () if mapping.one_way else mapping.declaration.fields:
        if not field.lossy:
            demand(_returns(field, parsed), f"{field.columns[0]} does not come back as it went")
    return True


def _returns(field: Field, parsed: Any) -> bool:  # noqa: ANN401 because row models differ
    values = tuple(getattr(parsed, column) for column in field.columns)
    try:
        return field.backward(field.forward(values)) == values
    except Unmappable:
        return False


def get_put(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """Resources that nobody edited change nothing in their row."""
    del other
    resources = mapped(mapping, row)
    for resource in () if mapping.one_way else resources:
        demand(mapping.from_fhir(resource, row) == row, "an unedited resource changes its row")
    return bool(resources)


def put_get(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """Resources written over any row map to the same views; columns not read stay.

    A row that is unfit in a column of none of the resources stays unfit: parts write their own.
    """
    resources, written = mapped(mapping, row), other
    if mapping.one_way:
        return bool(resources)
    for resource in resources:
        written = mapping.from_fhir(resource, written)
    unfit = mapping.to_fhir(written)
    if isinstance(unfit, Quarantine) and unfit.column not in _written(mapping, resources):
        return True
    again = {mapping.shape_of(made).name: made for made in mapped(mapping, written)}
    for resource in resources:
        back = again.get(mapping.shape_of(resource).name)
        demand(back is not None, "what was written back does not map")
        same = mapping.view(back or {}) == mapping.view(resource)
        demand(same, "a view changed on the way back")
    unread = mapping.columns - mapping.columns_read
    demand(all(written[name] is other[name] for name in unread), "a column not read was changed")
    return bool(resources)


def _written(mapping: Mapping[Any], resources: tuple[Resource, ...]) -> set[str]:
    """Name the columns that the way back of resources writes."""
    fields = (field for made in resources for field in mapping.shape_of(made).fields)
    return {column for field in fields for column in field.columns}


def preserve(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """`merge` shows what was mapped, keeps what is foreign, and a tombstone shows nothing else."""
    resources = mapped(mapping, row)
    before = {mapping.shape_of(made).name: made for made in mapped(mapping, other)}
    graves = mapping.tombstone(mapping.key_of(row))
    for resource in resources:
        shape = mapping.shape_of(resource)
        grave = next(made for made in graves if mapping.shape_of(made) is shape)
        current = _with_foreign(before.get(shape.name) or {"resourceType": shape.resource})
        for image in (resource, grave, resource):
            held = copy.deepcopy((current, image))
            merged = mapping.merge(current, image)
            demand((current, image) == held, "merge changes its arguments")
            demand(
                mapping.view(merged) == mapping.view(image), "merge does not show what was mapped"
            )
            demand(_keeps_foreign(merged), "merge drops what is foreign")
            demand(mapping.merge(merged, image) == merged, "merging twice differs from once")
            current = merged
    return bool(resources)


def _with_foreign(resource: Resource) -> Resource:
    lists = {n: [*v, *resource.get(n, [])] for n, v in FOREIGN.items() if isinstance(v, list)}
    return copy.deepcopy({**resource, **FOREIGN, **lists})


def _keeps_foreign(merged: Resource) -> bool:
    meta: dict[str, Any] = merged.get("meta", {})
    lists = [(merged.get(name, []), held) for name, held in FOREIGN.items()]
    return (
        all(held[0] in now for now, held in lists if isinstance(held, list))
        and all(now == held for now, held in lists if isinstance(held, str))
        and all(meta.get(name, [])[:1] == held for name, held in FOREIGN["meta"].items())
    )


def owned(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """All that is mapped lies at a path that the mapping owns."""
    del other
    resources = mapped(mapping, row)
    for resource in resources:
        rest = path.copy(resource)
        for entry in mapping.shape_of(resource).owned:
            path.remove(rest, entry.steps)
        whole = rest.keys() == {"resourceType"}
        demand(whole, "the mapping writes what it does not own; see `owns`")
    return bool(resources)


def deterministic(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """The same row gives the same bytes."""
    del other
    first, second = mapped(mapping, row), mapped(mapping, dict(row))
    same = [dumps(made) for made in first] == [dumps(made) for made in second]
    demand(same, "the same row gives different bytes")
    return bool(first)


def valid(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """What is mapped, and the tombstone, pass strict validation."""
    del other
    resources = mapped(mapping, row)
    graves = mapping.tombstone(mapping.key_of(row)) if resources else ()
    for resource in (*resources, *graves):
        validate(_resolved(resource), own_systems=mapping.systems.keys())
    return bool(resources)


def sequence(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """Every reference leads to an element that the mapping says it refers to."""
    del other
    resources = mapped(mapping, row)
    known = {mapping.system} | {system for parent in mapping.parents for system in parent.systems}
    for identifier in _referred(list(resources)):
        demand(identifier.get("system") in known, "a reference to an element not in `refers_to`")
    return bool(resources)


def _referred(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 because FHIR values are JSON
    """List the identifiers that references go by."""
    if isinstance(node, list):
        for item in node:
            yield from _referred(item)
    elif isinstance(node, dict):
        if "?" in str(node.get("reference", "")):
            yield node["identifier"]
        for item in node.values():
            yield from _referred(item)


def _resolved(node: Any) -> Any:  # noqa: ANN401 because FHIR values are JSON
    """Put an id where the engine will: the server's ids are not known here."""
    if isinstance(node, list):
        return [_resolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: _resolved(item) for name, item in node.items()}
    if "?" in str(made.get("reference", "")):
        made["reference"] = f"{made['reference'].partition('?')[0]}/1"
    return made


def identity(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """Keys that nearly agree give different identifiers, all in the safe alphabet."""
    del other
    key = mapping.key_of(row)
    near = {key, f"{key} ", f"0{key}", f"{key}.0", f"-{key}", f"{key},1", f"A{key}", f"a{key}"}
    near |= {str(int(key) + 10**k) for k in range(13) if key.isdecimal()}
    made = {name for each in near for name in mapping.identifiers(each)}
    demand(len(made) == len(near) * len(mapping.identifiers(key)), "two keys share an identifier")
    demand(all(is_safe_value(name.value) for name in made), "an identifier is not safe")
    own = {(name.system, name.value) for name in mapping.identifiers(key)}
    resources = mapped(mapping, row)
    for resource in resources:
        held = [(e.get("system"), e.get("value")) for e in resource.get("identifier", [])]
        carried = len(own.intersection(held)) == 1
        demand(carried, "a resource does not carry its record's identifier")
    return bool(resources)


LAWS = (
    totality,
    isomorphism,
    get_put,
    put_get,
    preserve,
    owned,
    deterministic,
    valid,
    sequence,
    identity,
)
"""All laws about rows; `honest_tables` and `golden` are about the mapping as a whole."""


def honest_tables(mapping: Mapping[Any]) -> None:
    """A field through a code table that joins legacy codes is declared lossy."""
    for field in mapping.declaration.fields:
        if field.codes is not None and field.to == field.codes.decode:
            demand(field.lossy or not field.codes.lossy, f"{field.columns[0]} is lossy in truth")


def golden(mapping: Mapping[Any], folder: Path) -> None:
    """Rows that a person signed map to exactly the resources beside them; one at least.

    The FHIR file holds the resource, or a list of them.
    """
    cases = sorted(folder.glob("*.legacy.json"))
    demand(cases, f"{mapping.element} has no golden row in {folder.name}/")
    for case in cases:
        legacy = json.loads(case.read_text())
        demand(legacy.get("reviewed_by"), f"{case.name} is not signed: reviewed_by")
        signed = loads(case.with_name(case.name.replace(".legacy.", ".fhir.")).read_text())
        expected = signed if isinstance(signed, list) else [signed]
        made = mapping.to_fhir(strategies.blank(mapping) | legacy["row"])
        demand(not isinstance(made, Quarantine), f"{case.name} is quarantined: {made}")
        demand(list(made) == expected, f"{case.name} maps to something else")  # type: ignore[arg-type]
