"""Where an element's records lie: a base table, and what other tables add to its rows.

A record is a row of the base table. A `Join` adds columns of at most one row of another table,
`Children` add many rows as one column. Legacy relations are declared here, because few legacy
databases have foreign keys.

Names in the row model must differ. Conditions compare a text column with texts and an integer
column with integers; a relation between an integer and a text compares as text, so "07" is not 7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import Final, TypeAlias

Key: TypeAlias = int | str


class Present(Enum):
    """The condition that a column is neither NULL nor an empty text."""

    PRESENT = "present"


PRESENT: Final = Present.PRESENT

Condition: TypeAlias = Key | tuple[Key, ...] | Present
"""What a column must equal, one of several values, or `PRESENT`."""

Conditions: TypeAlias = Mapping[str, Condition]


@dataclass(frozen=True, slots=True)
class Join:
    """Columns of the one row of `table` that belongs to a record.

    `on` pairs a column of `table` with a column of the record: a name in the row model, also of an
    earlier join, or any column of the base table. `columns` pairs a name in the row model with a
    column of `table`. A missing row leaves them NULL, or with `required` means that the record does
    not exist.
    """

    table: str
    _: KW_ONLY
    on: Mapping[str, str]
    columns: Mapping[str, str] = field(default_factory=dict)
    where: Conditions = field(default_factory=dict)
    required: bool = False


@dataclass(frozen=True, slots=True)
class Children:
    """All rows of `table` that belong to a record, as one column `name` of the row model.

    `on` is as in `Join`. The column holds a list of objects with `columns`, ordered by `order_by`,
    which should be unique: the same rows then always give the same resource.
    """

    name: str
    table: str
    _: KW_ONLY
    on: Mapping[str, str]
    columns: tuple[str, ...]
    order_by: tuple[str, ...]
    where: Conditions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """What is read for one element.

    `keys` are the unique key columns of `table`, integers or text; a row with NULL in one is no
    record. `columns` are read from `table`; None reads all. `where` tells the element's rows from
    others in the same table. `aliases` pairs names in `columns` with the columns they stand for.
    """

    table: str
    keys: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    where: Conditions = field(default_factory=dict)
    joins: tuple[Join, ...] = ()
    children: tuple[Children, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)


def join_key(parts: Sequence[str]) -> str:
    """Spell the values of a record's key columns as one text; different keys stay different.

    One part stays as it is. Of several, `~` becomes `~7e`, `|` becomes `~7c`, and `|` joins them.
    """
    if len(parts) == 1:
        return parts[0]
    return "|".join(part.replace("~", "~7e").replace("|", "~7c") for part in parts)


def split_key(text: str, count: int) -> tuple[str, ...] | None:
    """Undo `join_key`; None for a text that is no key of `count` columns."""
    if count == 1:
        return (text,)
    parts = tuple(part.replace("~7c", "|").replace("~7e", "~") for part in text.split("|"))
    return parts if len(parts) == count and join_key(parts) == text else None
