"""The first draft of a data element: a legacy table's columns in, texts of files out.

Every column is in the row model, with a guess of its type, and undecided.
"""

import json
import keyword
import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from pathlib import PurePath

from pydantic import BaseModel

from medplum_migration.domain.identity import encode_key
from medplum_migration.fhir.tombstones import TOMBSTONES
from medplum_migration.mapping import columns as column_types
from medplum_migration.mapping.source import Conditions


class Kind(StrEnum):
    """What the catalogue says a column holds."""

    TEXT = "text"
    WHOLE = "whole"
    DECIMAL = "decimal"
    FLAG = "flag"
    DAY = "day"
    LOCAL_TIME = "local time"
    CLOCK_TIME = "clock time"
    OTHER = "other"


_TYPES = {
    Kind.WHOLE: "Whole",
    Kind.DECIMAL: "Amount",
    Kind.FLAG: "Flag",
    Kind.DAY: "Day",
    Kind.LOCAL_TIME: "LocalTime",
    Kind.CLOCK_TIME: "ClockTime",
}
_TAKEN = {*vars(column_types), "Undecided", "Excluded", "Mapping", "MappingProxyType", "int", "str"}


@dataclass(frozen=True, slots=True)
class LegacyColumn:
    """A column as the catalogue describes it; `sql` is how the database spells its type."""

    name: str
    kind: Kind
    _: KW_ONLY
    sql: str = ""
    nullable: bool = True
    key: bool = False
    link: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A data element that is to be written; `package` is the import name of its neighbours."""

    element: str
    resource: str
    table: str
    columns: Sequence[LegacyColumn]
    _: KW_ONLY
    keys: tuple[str, ...]
    where: Conditions
    package: str
    base: str

    @property
    def names(self) -> dict[str, str]:
        """Each column's name in the row model."""
        names: dict[str, str] = {}
        for column in self.columns:
            name = row_name(column.name)
            while name in names.values():
                name += "_"
            names[column.name] = name
        return names

    @property
    def fixed(self) -> tuple[str, ...]:
        """The columns of `where`, keys aside, that hold the same in every record."""
        others = {name: value for name, value in self.where.items() if name not in self.keys}
        return tuple(name for name, value in others.items() if not isinstance(value, tuple))

    @property
    def read(self) -> tuple[LegacyColumn, ...]:
        """The columns of the row model."""
        return tuple(c for c in self.columns if c.name not in self.fixed)

    @property
    def title(self) -> str:
        """The name for classes."""
        return "".join(part.capitalize() for part in self.element.split("_"))


def row_name(column: str) -> str:
    """Make a name that a row model can have, the column's own where it is one."""
    name = re.sub(r"\W", "_", column, flags=re.ASCII).lstrip("_")
    if not name[:1].isalpha():
        name = f"column_{name}".rstrip("_")
    taken = keyword.iskeyword(name) or hasattr(BaseModel, name) or name in _TAKEN
    return f"{name}_" if taken else name


def files(draft: Draft, tests: PurePath) -> dict[PurePath, str]:
    """Write the test and the golden pair of an element, by path below the folder `tests`."""
    goldens = tests / "goldens" / draft.element
    return {
        tests / f"test_{draft.element}.py": _test(draft),
        goldens / "first.legacy.json": _json(_golden_row(draft)),
        goldens / "first.fhir.json": _json({"resourceType": draft.resource}),
    }


def module(draft: Draft) -> str:
    """Write the module: row model and mapping."""
    parts = [f'"""{_label(draft)}: `{draft.table}` to and from {draft.resource}."""', ""]
    parts += [*_imports(draft), "", "", *_row_model(draft), "", "", *_mapping(draft), "", ""]
    return "\n".join([*parts, f"{draft.element} = {draft.title}Mapping()", ""])


def _label(draft: Draft) -> str:
    return draft.element.replace("_", " ").capitalize()


def _imports(draft: Draft) -> list[str]:
    types = {_type(draft, column) for column in draft.read} - {"int", "str"}
    found = [("medplum_migration.mapping.columns", sorted({"LegacyRow", *types}))]
    classes = {"Excluded"} if draft.fixed else set()
    found += [("medplum_migration.mapping.field", sorted({*classes, "Undecided"}))]
    found += [("medplum_migration.mapping.mapping", ["Mapping"])]
    lines = [_import(name, wanted) for name, wanted in found]
    own = ["from types import MappingProxyType"] if draft.where or _aliases(draft) else []
    if draft.resource not in TOMBSTONES:
        own += ["from typing import Any, ClassVar"]
    return [*own, "", *lines] if own else lines


def _import(name: str, wanted: list[str]) -> str:
    line = f"from {name} import {', '.join(wanted)}"
    if len(line) <= _WIDTH:
        return line
    return f"from {name} import (\n    " + ",\n    ".join(wanted) + ",\n)"


def _row_model(draft: Draft) -> list[str]:
    lines = [f"class {draft.title}Row(LegacyRow):"]
    lines += [f'    """The columns of `{draft.table}` that are read."""', ""]
    for column in draft.read:
        name = draft.names[column.name]
        mixed = name[0].islower() and name != name.lower() and "_" not in name
        note = "noqa: N815 because the column is called so; " if mixed else ""
        lines.append(f"    {name}: {_type(draft, column)}  # {note}{column.sql}".rstrip(" #"))
    return lines


def _type(draft: Draft, column: LegacyColumn) -> str:
    if column.name in draft.keys:
        return "int" if column.kind in {Kind.WHOLE, Kind.FLAG} else "str"
    if column.link and column.kind is Kind.WHOLE:
        return "NullableLink" if column.nullable else "Link"
    return _TYPES.get(column.kind, "NullableText" if column.nullable else "Text")


def _mapping(draft: Draft) -> list[str]:
    names, keys = draft.names, [_quoted(draft.names[key]) for key in draft.keys]
    key = keys[0] if len(keys) == 1 else f"({', '.join(keys)})"
    own = f"-{draft.element}" if draft.where else ""
    lines = [
        f"class {draft.title}Mapping(Mapping[{draft.title}Row]):",
        f'    """Both directions of a record of `{draft.table}`."""',
        "",
        f"    element, resource = {_quoted(draft.element)}, {_quoted(draft.resource)}",
        f"    row = {draft.title}Row",
        f"    table, key = {_quoted(draft.table)}, {key}",
        f"    system = {_quoted(f'{draft.base}/{encode_key(draft.table)}{own}')}",
    ]
    lines += [*_pairs("where", draft.where), *_pairs("aliases", _aliases(draft))]
    if draft.resource not in TOMBSTONES:
        lines += ["    deleted: ClassVar[dict[str, Any]] = {}  # say what a deleted one says"]
    lines += ["    fields = ("]
    lines += [
        f"        Undecided({_quoted(names[column.name])}),"
        for column in draft.read
        if column.name not in draft.keys
    ]
    for name in draft.fixed:
        why = "the same in every record: see `where`"
        lines += [f"        Excluded({_quoted(name)}, why={_quoted(why)}),"]
    return [*lines, "    )"]


def _aliases(draft: Draft) -> dict[str, str]:
    names = ((draft.names[column.name], column.name) for column in draft.read)
    return {name: column for name, column in names if name != column}


def _pairs(name: str, pairs: Conditions) -> list[str]:
    if not pairs:
        return []
    told = [f"{_quoted(key)}: {_literal(value)}" for key, value in pairs.items()]
    line = f"    {name} = MappingProxyType({{{', '.join(told)}}})"
    if len(line) <= _WIDTH:
        return [line]
    inner = [f"            {pair}," for pair in told]
    return [f"    {name} = MappingProxyType(", "        {", *inner, "        }", "    )"]


def _literal(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))})"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _test(draft: Draft) -> str:
    own = f"from {draft.package}.{draft.element} import {draft.element}"
    imports = "\n".join(sorted((own, "from medplum_migration.mapping import laws")))
    return f'''"""{_label(draft)}: the laws, and the signed golden rows."""

from pathlib import Path

{imports}

GOLDENS = Path(__file__).parent / "goldens"


class Test{draft.title}(laws.Laws):
    """Every law, on made-up rows."""

    mapping = {draft.element}
    goldens = GOLDENS / {_quoted(draft.element)}
'''


def _golden_row(draft: Draft) -> dict[str, object]:
    row = {draft.names[c.name]: None if c.name not in draft.keys else "" for c in draft.read}
    return {"reviewed_by": "", "rule": "say what this case shows", "row": row}


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


_WIDTH = 100
