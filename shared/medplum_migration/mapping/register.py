"""The mapping register: what becomes of each column, as rows, text and a Markdown table.

Medplum's mapping governance asks for it; derived from the declaration, it cannot be out of date.
https://www.medplum.com/docs/migration/mapping-governance
"""

from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from textwrap import TextWrapper
from typing import Any

from medplum_migration.mapping.digest import digest
from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.refusals import Refusals
from medplum_migration.mapping.sequence import needs

_HEADER = (
    "Column", "From", "Disposition", "FHIR path", "Transform", "Codes", "When missing",
    "When invalid", "Lossy", "Why",
)  # fmt: skip
_LINES = TextWrapper(
    100, subsequent_indent=" " * 10, break_long_words=False, break_on_hyphens=False
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One column's line in the register; `source` is where in the legacy store it comes from."""

    column: str
    source: str
    disposition: str
    path: str = ""
    transform: str = ""
    codes: str = ""
    missing: str = ""
    invalid: str = ""
    lossy: str = ""
    why: str = ""


def register(mapping: Mapping[Any]) -> tuple[Entry, ...]:
    """List every column of an element, mapped ones first."""
    return tuple(_entries(mapping))


def summary(mapping: Mapping[Any]) -> dict[str, Any]:
    """Tell what holds for an element as a whole."""
    return {
        "element": mapping.element,
        "table": mapping.table,
        "key": list(mapping.keys),
        "resource": ", ".join(resource_types(mapping)),
        "profile": mapping.profile,
        "needs": list(needs(mapping)),
        "one_way": mapping.one_way,
        "mapping_version": mapping.mapping_version,
        "digest": digest(mapping),
    }


def exported(mapping: Mapping[Any]) -> dict[str, Any]:
    """Render an element's part of the register for programs."""
    return {**summary(mapping), "columns": [asdict(entry) for entry in register(mapping)]}


def resource_types(mapping: Mapping[Any]) -> tuple[str, ...]:
    """Name the types of the resources that a record gives, each once."""
    return tuple(dict.fromkeys(shape.resource for shape in mapping.declaration.shapes))


def _entries(mapping: Mapping[Any]) -> Iterator[Entry]:
    sources, refusals = _sources(mapping), Refusals(mapping)
    for field in mapping.declaration.fields:
        for column in field.columns:
            yield Entry(
                column=column,
                source=sources.get(column, f"{mapping.table}.{column}"),
                disposition=field.disposition,
                path=", ".join(_paths(mapping, field)),
                transform=_transform(mapping, field),
                codes=field.codes.name if field.codes is not None else "",
                missing=refusals.missing(field, column),
                invalid=refusals.invalid(field, column),
                lossy="lossy" if field.lossy else "",
                why=field.why,
            )
    for entry in mapping.declaration.unmapped:
        for column in entry.columns:
            source = sources.get(column, f"{mapping.table}.{column}")
            yield Entry(column, source, entry.disposition, why=entry.why)


def _sources(mapping: Mapping[Any]) -> dict[str, str]:
    """Tell where columns come from that the base table lacks, or calls otherwise."""
    joined = {
        name: f"{join.table}.{column}"
        for join in mapping.joins
        for name, column in join.columns.items()
    }
    joined |= {name: f"{mapping.table}.{column}" for name, column in mapping.aliases.items()}
    return joined | {child.name: f"rows of {child.table}" for child in mapping.children}


def _paths(mapping: Mapping[Any], field: Field) -> tuple[str, ...]:
    """Name a field's paths below the resources they are in, and the part if only one has them."""
    paths = []
    for shape in mapping.declaration.shapes:
        part = f" ({shape.name})" if field in shape.builder.deciding else ""
        held = shape.key if field is mapping.declaration.key else field
        paths += [f"{shape.resource}.{p}{part}" for p in held.paths if held in shape.fields]
    return tuple(dict.fromkeys(paths))


def _transform(mapping: Mapping[Any], field: Field) -> str:
    if field.alone or field is mapping.declaration.key:
        return ""
    name: str = getattr(field.to, "__qualname__", type(field.to).__name__)
    return name.replace(".<locals>", "")


def markdown(mapping: Mapping[Any]) -> str:
    """Render an element's part of the register as Markdown."""
    lines = [_HEADER, tuple("---" for _ in _HEADER), *map(astuple, register(mapping))]
    table = "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)
    facts = "".join(f"- {fact}\n" for fact in _facts(mapping))
    return f"{_title(mapping)}\n{facts}\n{table}"


def text(mapping: Mapping[Any]) -> str:
    """Render an element's part of the register as plain text, a few lines per column."""
    lines = [_title(mapping)]
    for fact in _facts(mapping):
        lines += _LINES.wrap(f"  {fact}")
    for entry in register(mapping):
        lines += ["", f"{entry.column}: {entry.disposition}{' (lossy)' if entry.lossy else ''}"]
        told = {
            "from": entry.source,
            "to": entry.path,
            "by": " ".join(filter(None, (entry.transform, entry.codes))),
            "missing": entry.missing,
            "invalid": entry.invalid,
            "why": entry.why,
        }
        for name, value in told.items():
            lines += _LINES.wrap(f"  {name:8}{value}") if value else []
    return "\n".join(lines) + "\n"


def _title(mapping: Mapping[Any]) -> str:
    return f"# {mapping.element}: {mapping.table} to {', '.join(resource_types(mapping))}\n"


def _facts(mapping: Mapping[Any]) -> Iterator[str]:
    yield f"mapping version {mapping.mapping_version}, digest {digest(mapping)}"
    yield f"key {', '.join(mapping.keys)}"
    if needs(mapping):
        yield f"after {', '.join(needs(mapping))}"
    if mapping.profile:
        yield f"profile {mapping.profile}"
    if mapping.one_way:
        yield f"one way: {mapping.one_way}"


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")
