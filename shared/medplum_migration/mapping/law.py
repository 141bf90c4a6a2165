"""The laws of mappings, each as a check of one row; `other` is a second row.

A check raises `AssertionError` and returns whether the row mapped; about others it says nothing.
"""

import copy
import json
from collections.abc import Callable
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


def mapped(mapping: Mapping[Any], row: Row) -> Resource | None:
    """Map a row to its first resource; None when it is quarantined."""
    made = mapping.to_fhir(row)
    return None if isinstance(made, Quarantine) else made[0]


def totality(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """Any row gives resources or a Quarantine that names a column and quotes no value."""
    del other
    made = mapping.to_fhir(row)
    if not isinstance(made, Quarantine):
        return True
    demand(made.column in mapping.columns, "a quarantine names no column")
    quoted = [value for value in row.values() if isinstance(value, str) and len(value) > 3]  # noqa: PLR2004 because shorter ones occur by chance
    demand(not any(value in made.why for value in quoted), "a quarantine quotes a value")
    return False


def isomorphism(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """`back(to(v)) == v` for each field that is not lossy."""
    del other
    parsed = mapping.parse(row)
    if isinstance(parsed, Quarantine) or mapped(mapping, row) is None:
        return False
    for field in mapping.declaration.fields:
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
    """A resource that nobody edited changes nothing in its row."""
    del other
    resource = mapped(mapping, row)
    if resource is not None:
        demand(mapping.from_fhir(resource, row) == row, "an unedited resource changes its row")
    return resource is not None


def put_get(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """A resource written over any row maps to the same view; columns not read stay."""
    resource = mapped(mapping, row)
    if resource is None:
        return False
    written = mapping.from_fhir(resource, other)
    again = mapped(mapping, written)
    demand(again is not None, "what was written back does not map")
    demand(mapping.view(again or {}) == mapping.view(resource), "a view changed on the way back")
    unread = mapping.columns - mapping.columns_read
    demand(all(written[name] is other[name] for name in unread), "a column not read was changed")
    return True


def preserve(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """`merge` shows what was mapped, keeps what is foreign, and a tombstone shows nothing else."""
    resource, before = mapped(mapping, row), mapped(mapping, other)
    if resource is None:
        return False
    grave = mapping.tombstone(str(row[mapping.key]))[0]
    current = _with_foreign(before or {"resourceType": mapping.resource})
    for image in (resource, grave, resource):
        held = copy.deepcopy((current, image))
        merged = mapping.merge(current, image)
        demand((current, image) == held, "merge changes its arguments")
        demand(mapping.view(merged) == mapping.view(image), "merge does not show what was mapped")
        demand(_keeps_foreign(merged), "merge drops what is foreign")
        demand(mapping.merge(merged, image) == merged, "merging twice differs from once")
        current = merged
    return True


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
    resource = mapped(mapping, row)
    if resource is None:
        return False
    rest = path.copy(resource)
    for entry in mapping.declaration.owned:
        path.remove(rest, entry.steps)
    demand(rest.keys() == {"resourceType"}, "the mapping writes what it does not own; see `owns`")
    return True


def deterministic(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """The same row gives the same bytes."""
    del other
    first, second = mapped(mapping, row), mapped(mapping, dict(row))
    if first is not None:
        demand(dumps(first) == dumps(second or {}), "the same row gives different bytes")
    return first is not None


def valid(mapping: Mapping[Any], row: Row, other: Row) -> bool:
    """What is mapped passes strict validation."""
    del other
    resource = mapped(mapping, row)
    if resource is not None:
        validate(_resolved(resource), own_systems={mapping.system})
    return resource is not None


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
    key = str(row[mapping.key])
    near = {key, f"{key} ", f"0{key}", f"{key}.0", f"-{key}", f"{key},1", f"A{key}", f"a{key}"}
    near |= {str(int(key) + 10**k) for k in range(13) if key.isdecimal()}
    made = {name for each in near for name in mapping.identifiers(each)}
    demand(len(made) == len(near) * len(mapping.identifiers(key)), "two keys share an identifier")
    demand(all(is_safe_value(name.value) for name in made), "an identifier is not safe")
    resource = mapped(mapping, row)
    held = (resource or {}).get("identifier", [])
    own = {"system": mapping.identifiers(key)[0].system, "value": mapping.identifiers(key)[0].value}
    demand(resource is None or own in held, "the resource does not carry its record's identifier")
    return resource is not None


LAWS = (
    totality,
    isomorphism,
    get_put,
    put_get,
    preserve,
    owned,
    deterministic,
    valid,
    identity,
)
"""All laws about rows; `honest_tables` and `golden` are about the mapping as a whole."""


def honest_tables(mapping: Mapping[Any]) -> None:
    """A field through a code table that joins legacy codes is declared lossy."""
    for field in mapping.declaration.fields:
        if field.codes is not None and field.to == field.codes.decode:
            demand(field.lossy or not field.codes.lossy, f"{field.columns[0]} is lossy in truth")


def golden(mapping: Mapping[Any], folder: Path) -> None:
    """Rows that a person signed map to exactly the resource beside them; one at least."""
    cases = sorted(folder.glob("*.legacy.json"))
    demand(cases, f"{mapping.element} has no golden row in {folder.name}/")
    for case in cases:
        legacy = json.loads(case.read_text())
        demand(legacy.get("reviewed_by"), f"{case.name} is not signed: reviewed_by")
        expected = loads(case.with_name(case.name.replace(".legacy.", ".fhir.")).read_text())
        made = mapping.to_fhir(strategies.blank(mapping) | legacy["row"])
        demand(not isinstance(made, Quarantine), f"{case.name} is quarantined: {made}")
        demand(list(made) == [expected], f"{case.name} maps to something else")  # type: ignore[arg-type]
