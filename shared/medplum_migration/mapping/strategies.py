"""Rows for property tests, seeded at edges; needs Hypothesis, which is a development dependency."""

import builtins
from collections.abc import Callable
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel

from medplum_migration.mapping.columns import written_when_missing
from medplum_migration.mapping.mapping import Mapping

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

Values: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Edges:
    """Values of one kind of column: missing, fit to be mapped, unfit.

    Without missing values the column is always filled: it is one that a record needs.
    """

    missing: Values
    good: Values
    bad: Values


TEXT = Edges(
    ("", "  ", None),
    (
        "x",
        "Zoë",
        "O'Neil",
        "190\u0660",
        "李 明",
        "a  b",
        " lead",
        "a\tb",
        "5" * 230,
        "a|b,c$\\",
        "0",
    ),
    ("nul\x00", "half \ud800", "bell\x07", 7, b"raw"),
)
DAY = Edges(
    (None, "", "0000-00-00"),
    (date(1, 1, 1), date(1900, 1, 1), date(1980, 2, 29), date(2024, 12, 31), "1975-02-23"),
    ("1981-02-30", "02/03/1980", "198\u0660-01-01", 19800101, "1980-02"),
)
NEW_YORK_TIME = Edges(
    (None, "", "0000-00-00 00:00:00"),
    (
        datetime.fromisoformat("1999-12-31T23:59:59"),
        datetime.fromisoformat("2024-03-10T01:59:59.999999"),
        "2024-11-03 02:00:00",
        "2007-11-04 00:59:59",
    ),
    (
        datetime.fromisoformat("2024-03-10T02:30:00"),
        datetime.fromisoformat("2024-11-03T01:30:00"),
        "1975-02-23 02:15:00",
        "2007-11-04 01:05:00",
        "2024-01-01 23:59:60",
        "9999-12-31",
    ),
)
WHOLE = Edges((None, ""), (1, 7, 10**12, "42", -3), ("x", "1.5", "007", "\u0667", 1.5, True))
DECIMAL = Edges(
    (None, ""),
    (Decimal("72.50"), "98.6", 7, 0.1, "180.000000"),
    ("x", "1e5", "\u0667", "NaN", "1,5", True),
)
FLAG = Edges((None,), (0, 1, True, "1"), (2, "yes", -1))
CLOCK = Edges((None,), (time(9), "23:59:59", "8:05:00"), ("24:00:00", "nine", 9))
_BY_TYPE = {
    "str": TEXT,
    "date": DAY,
    "datetime": NEW_YORK_TIME,
    "time": CLOCK,
    "int": WHOLE,
    "bool": FLAG,
    "Decimal": DECIMAL,
}


def blank(mapping: Mapping[Any]) -> dict[str, object]:
    """Make a row that holds nothing but what the store writes for missing values."""
    return {column: written_when_missing(mapping.row, column) for column in mapping.columns}


def rows(
    mapping: Mapping[Any], columns: Dict[str, Edges] | None = None
) -> "SearchStrategy[dict[str, object]]":
    """Draw rows of a mapping: some fields filled, and in one row of five an unfit column.

    `columns` replaces the edges of single columns, as codes that only the element knows.
    """
    from hypothesis import strategies

    edges = {**_edges(mapping), **(columns or {})}
    fields = [
        field for field in mapping.declaration.fields if not set(mapping.keys) & set(field.columns)
    ]

    needed = {name: held.good for name, held in edges.items() if not held.missing}
    unfit = sorted(name for name, held in edges.items() if held.bad + held.missing)
    numbers = strategies.integers(1, 10**12)
    keys = {name: _spelling(mapping, name) for name in mapping.keys}

    @strategies.composite
    def draw_row(draw: "DrawFn") -> dict[str, object]:
        row = blank(mapping) | {name: keyed(draw(numbers)) for name, keyed in keys.items()}
        row |= {name: draw(strategies.sampled_from(good)) for name, good in needed.items()}
        for field in draw(strategies.lists(strategies.sampled_from(fields), max_size=12)):
            for column in field.columns:
                held = edges[column]
                row[column] = draw(strategies.sampled_from(held.good + held.missing[:1]))
        if draw(strategies.integers(0, 4)) == 1:
            column = draw(strategies.sampled_from(unfit))
            row[column] = draw(strategies.sampled_from(edges[column].bad + edges[column].missing))
        return row

    return draw_row()


def sweep(
    mapping: Mapping[Any], columns: Dict[str, Edges] | None = None
) -> list[dict[str, object]]:
    """List rows that hold one edge value each, so that every edge is met once."""
    empty = blank(mapping) | {name: _spelling(mapping, name)(1) for name in mapping.keys}
    edges = {**_edges(mapping), **(columns or {})}
    empty |= {name: held.good[0] for name, held in edges.items() if not held.missing}
    return [
        empty | {column: value}
        for column, held in edges.items()
        for value in held.missing + held.good + held.bad
    ]


def _spelling(mapping: Mapping[Any], key: str) -> Callable[[int], object]:
    """Tell how a key column spells a number."""
    model: type[BaseModel] = mapping.row
    return str if "str" in str(model.model_fields[key].annotation) else int


def _edges(mapping: Mapping[Any]) -> dict[str, Edges]:
    model: type[BaseModel] = mapping.row
    return {
        column: next((e for name, e in _BY_TYPE.items() if _is(info.annotation, name)), TEXT)
        for column, info in model.model_fields.items()
        if column not in mapping.keys
    }


def _is(annotation: object, name: str) -> bool:
    spelled = str(annotation).removeprefix("datetime.").removeprefix("decimal.")
    return spelled.startswith(f"{name} ") or annotation is vars(builtins).get(name)
