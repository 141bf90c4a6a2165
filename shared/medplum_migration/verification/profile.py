"""The shape of legacy columns: records in, counts out, and never a value.

https://www.medplum.com/docs/migration/mapping-governance (profile before you map)
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, runtime_checkable

from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.identity import is_safe_value
from medplum_migration.mapping.field import ColumnDisposition, Unmappable
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.mapping.refusals import Parser, column_parser
from medplum_migration.ports.legacy import LegacyStore

NO_DISPOSITION = "none"
SENTINELS = frozenset(
    """unknown unk undefined n/a na none null nil tbd - -- . ?
    1900-01-01 1970-01-01 9999-12-31""".split()  # noqa: SIM905 because it is one list of words
)
"""Texts that often stand for a missing value, besides zeros and zero dates."""

DISTINCT_COUNTED, KEYS_COMPARED = 1_000, 1_000_000
_ZERO = re.compile(r"[-+]?0+(\.0+)?|0000-00-00([ t]00:00:00(\.0+)?)?")
_MIDNIGHT = re.compile(r"[ t]00:00:00(\.0+)?$")
_NOT_MAPPED = frozenset(
    (
        ColumnDisposition.TRACEABILITY,
        ColumnDisposition.EXCLUDED,
        ColumnDisposition.UNSUPPORTED,
        ColumnDisposition.OUT_OF_SCOPE,
        NO_DISPOSITION,
    )
)


@runtime_checkable
class ReadsAllColumns(Protocol):
    """A legacy store that can also read the columns that no mapping reads."""

    def with_all_columns(self) -> LegacyStore:
        """Give a store over the same records with all columns of their tables."""


@dataclass(slots=True)
class ColumnProfile:
    """Counts of one column; `codes` names its code table, `outside` counts codes not in it."""

    column: str
    disposition: str
    codes: str = ""
    populated: int = 0
    null: int = 0
    blank: int = 0
    sentinel: int = 0
    outside: int = 0
    _distinct: set[int] = field(default_factory=set)

    @property
    def distinct(self) -> str:
        """How many values there are, up to `DISTINCT_COUNTED`."""
        many = len(self._distinct) > DISTINCT_COUNTED
        return f"more than {DISTINCT_COUNTED}" if many else str(len(self._distinct))

    @property
    def is_dropped(self) -> bool:
        """Whether the column holds data that no resource shows."""
        return self.populated > 0 and self.disposition in _NOT_MAPPED

    def add(self, value: object, *, is_outside: bool = False) -> None:
        """Count a value; `is_outside` tells that it is a code which the column's table lacks."""
        if value is None or value == []:
            self.null += 1
            return
        text = str(value)
        if not text or text.isspace():
            self.blank += 1
            return
        if is_sentinel(text):
            self.sentinel += 1
        else:
            self.populated += 1
        self.outside += is_outside
        if len(self._distinct) <= DISTINCT_COUNTED:
            self._distinct.add(hash(text))


@dataclass(slots=True)
class KeyProfile:
    """Counts of the record keys: those that differ only a little, and those that get encoded."""

    compared: int = 0
    nearly_alike: int = 0
    encoded: int = 0
    _folded: set[int] = field(default_factory=set)

    def add(self, key: str) -> None:
        """Count a key."""
        self.encoded += not is_safe_value(key)
        if self.compared < KEYS_COMPARED:
            folded = hash(_fold(key))
            self.compared += 1
            self.nearly_alike += folded in self._folded
            self._folded.add(folded)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a pass over an element's records found."""

    records: int
    keys: KeyProfile
    columns: tuple[ColumnProfile, ...]

    def findings(self) -> Iterator[str]:
        """Tell what somebody must decide: each is a reason to hold the load."""
        for column in self.columns:
            if column.disposition == NO_DISPOSITION:
                yield f"column {column.column}: has no disposition"
            elif column.is_dropped and column.disposition == ColumnDisposition.UNSUPPORTED:
                yield f"column {column.column}: unsupported, and {column.populated} records fill it"
            if column.outside:
                outside = f"{column.outside} records hold a code that is not in {column.codes}"
                yield f"column {column.column}: {outside}"
        if self.keys.nearly_alike:
            yield f"key: {self.keys.nearly_alike} differ from another by case, blanks or zeros only"


def profile(mapping: ElementMapping[Any], records: Iterable[LegacyRecord]) -> Profile:
    """Count what an element's records hold; memory does not grow with their number."""
    columns, outside = _columns(mapping), _outside(mapping)
    names = {column: name for name, column in mapping.aliases.items()}
    keys, number = KeyProfile(), 0
    for record in records:
        number += 1
        keys.add(record.key)
        for column, value in (record.row or {}).items():
            name = names.get(column, column)
            if name not in columns:
                columns[name] = ColumnProfile(name, NO_DISPOSITION)
            columns[name].add(value, is_outside=name in outside and outside[name](value))
    met = (c for c in columns.values() if c.populated or c.null or c.blank or c.sentinel)
    return Profile(number, keys, tuple(met))


def is_sentinel(text: str) -> bool:
    """Tell whether a text often stands for a missing value."""
    folded = text.strip().casefold()
    return bool(_ZERO.fullmatch(folded)) or _MIDNIGHT.sub("", folded) in SENTINELS


def _columns(mapping: ElementMapping[Any]) -> dict[str, ColumnProfile]:
    found = {
        column: ColumnProfile(column, entry.disposition, entry.codes.name if entry.codes else "")
        for entry in mapping.declaration.fields
        for column in entry.columns
    }
    for entry in mapping.declaration.unmapped:
        found |= {name: ColumnProfile(name, entry.disposition) for name in entry.columns}
    return found


def _outside(mapping: ElementMapping[Any]) -> dict[str, Callable[[object], bool]]:
    """Make, for each column with a code table, the test that a value is a code it lacks."""
    return {
        column: partial(_is_outside, column_parser(mapping, column), entry.codes.forward)
        for entry in mapping.declaration.fields
        if entry.codes is not None
        for column in entry.columns
    }


def _is_outside(parse: Parser, known: Mapping[str, object], value: object) -> bool:
    try:
        code = parse(value)
    except Unmappable:
        return False
    return code is not None and code not in known


def _fold(key: str) -> str:
    """Forget what is easily lost on the way: case, width, blanks around, zeros before."""
    return unicodedata.normalize("NFKC", key).strip().casefold().lstrip("0")
