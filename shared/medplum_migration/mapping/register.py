"""The mapping register: what becomes of each column, as rows and as a Markdown table.

Medplum's mapping governance asks for it; derived from the declaration, it cannot be out of date.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping

HEADER = ("Column", "Disposition", "FHIR path", "Transform", "Codes", "Lossy", "Why")


@dataclass(frozen=True, slots=True)
class Entry:
    """One column's line in the register."""

    column: str
    disposition: str
    path: str = ""
    transform: str = ""
    codes: str = ""
    lossy: str = ""
    why: str = ""


def register(mapping: Mapping[Any]) -> tuple[Entry, ...]:
    """List every column of an element, mapped ones first."""
    return tuple(_entries(mapping))


def _entries(mapping: Mapping[Any]) -> Iterator[Entry]:
    for field in mapping.declaration.fields:
        for column in field.columns:
            yield _mapped(mapping, field, column)
    for entry in mapping.declaration.unmapped:
        for column in entry.columns:
            yield Entry(column, entry.disposition, why=entry.why)


def _mapped(mapping: Mapping[Any], field: Field, column: str) -> Entry:
    return Entry(
        column=column,
        disposition=field.disposition,
        path=", ".join(f"{mapping.resource}.{text}" for text in field.paths),
        transform="" if field.alone else field.to.__qualname__.replace(".<locals>", ""),
        codes=field.codes.name if field.codes is not None else "",
        lossy="lossy" if field.lossy else "",
        why=field.why,
    )


def markdown(mapping: Mapping[Any]) -> str:
    """Render the register as a Markdown table."""
    lines = [HEADER, tuple("---" for _ in HEADER), *map(astuple, register(mapping))]
    return "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
