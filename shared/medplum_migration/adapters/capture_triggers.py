"""The triggers of one element: its source in, what each table's changes write to the outbox out.

A change of the base row writes its key, when the row is one of the element's before or after. A
change of a joined row, or of a child, writes the keys of the records that it belongs to, before
and after.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from medplum_migration.adapters.capture_spelling import Definition, Event, Spelling, Text
from medplum_migration.adapters.legacy_catalogue import Catalogue, Table, equal
from medplum_migration.adapters.legacy_reader import Record
from medplum_migration.domain.change_event import LONGEST_KEY, Operation
from medplum_migration.mapping.source import Children, Join, Source

_LONGEST_SUFFIX = 36  # with the longest prefix a name of 63 characters, as PostgreSQL allows


def definitions(
    catalogue: Catalogue, element: str, source: Source, spelling: Spelling
) -> list[Definition]:
    """Define all triggers of an element.

    Raises:
        ConfigurationError: a table or column is missing.

    """
    part = _Parts(catalogue, element, source, spelling)
    made = spelling.definitions(_name("record", element), source.table, part.base())
    for number, join in enumerate(source.joins):
        bodies = part.joined(number, join)
        made += spelling.definitions(_name(f"joined_{number}", element), join.table, bodies)
    for number, child in enumerate(source.children):
        bodies = part.children(child)
        made += spelling.definitions(_name(f"children_{number}", element), child.table, bodies)
    return made


def belongs_to(trigger: str, element: str) -> bool:
    """Tell by its name whether a trigger captures an element."""
    ending = f"_{_suffix(element)}"
    part = trigger.removeprefix("medplum_").removesuffix(ending).split("_")
    kind = part[0] in {"record", "joined", "children"}
    plain = all(word.isdigit() or word in {"insert", "update", "delete"} for word in part[1:])
    return trigger.startswith("medplum_") and trigger.endswith(ending) and kind and plain


def _name(part: str, element: str) -> str:
    return f"medplum_{part}_{{event}}{_suffix(element)}"


def _suffix(element: str) -> str:
    if len(element) <= _LONGEST_SUFFIX:
        return element
    return f"{element[:27]}_{sha256(element.encode()).hexdigest()[:8]}"


@dataclass(slots=True)
class _Linked:
    """A joined table, what links it, and the tables that the link needs."""

    table: Table
    matches: sa.ColumnElement[bool]
    needs: set[int] = field(default_factory=set)


class _Parts:
    def __init__(
        self, catalogue: Catalogue, element: str, source: Source, spelling: Spelling
    ) -> None:
        self._catalogue, self._element, self._source = catalogue, element, source
        self._spelling = spelling
        self._base = catalogue.table(source.table, "record")
        names = source.columns if source.columns is not None else tuple(self._base.columns)
        self._record = Record(self._base, names, source.aliases)
        self._joined: list[_Linked] = []

    def base(self) -> dict[Event, list[str]]:
        """Write the statements for changes of the base row."""
        old, new = (self._catalogue.row(self._source.table, row) for row in ("OLD", "NEW"))
        was, stays = self._counts(old), self._counts(new)
        same = self._spelling.exact(self._key(old)) == self._spelling.exact(self._key(new))
        left = sa.case((sa.and_(stays, same), 1), else_=0) == 0
        upsert = self._one(new, Operation.UPSERT, stays)
        return {
            "insert": [upsert],
            "update": [self._one(old, Operation.DELETE, was, left), upsert],
            "delete": [self._one(old, Operation.DELETE, was)],
        }

    def joined(self, number: int, join: Join) -> dict[Event, list[str]]:
        """Write the statements for changes of a joined row; later joins may build on this one."""
        bodies = self._other(join, {*join.on, *join.where, *join.columns.values()})
        table = self._catalogue.table(join.table, f"joined_{number}")
        self._joined.append(_Linked(table, self._belongs(table, join), self._needs(join)))
        for name, column in join.columns.items():
            self._record[name] = table.column(column)
        return bodies

    def children(self, child: Children) -> dict[Event, list[str]]:
        """Write the statements for changes of a child."""
        read = {*child.on, *child.where, *child.columns, *child.order_by}
        return self._other(child, read)

    def _other(self, other: Join | Children, read: Iterable[str]) -> dict[Event, list[str]]:
        old, new = (self._catalogue.row(other.table, row) for row in ("OLD", "NEW"))
        seen = sa.or_(
            sa.false(),
            *(self._spelling.differ(old.column(n), new.column(n)) for n in sorted(read)),
        )
        before, after = self._records(other, old), self._records(other, new)
        both = self._spelling.insert_if(seen, before, after)
        insert = self._spelling.insert
        return {"insert": [insert(after)], "update": [both], "delete": [insert(before)]}

    def _records(self, other: Join | Children, row: Table) -> sa.Select[Any]:
        """Select the keys of the records that a row of another table belongs to."""
        tables, needed = self._base.clause, self._needs(other)
        for linked in (self._joined[number] for number in sorted(needed)):
            tables = tables.join(linked.table.clause, linked.matches)
        chosen = self._row(self._base, Operation.UPSERT, sa.select)
        return chosen.select_from(tables).where(self._belongs(row, other), self._counts(self._base))

    def _belongs(self, table: Table, other: Join | Children) -> sa.ColumnElement[bool]:
        related = [equal(theirs, ours) for theirs, ours in self._record.related(table, other.on)]
        return sa.and_(sa.true(), *related, *table.meets(other.where))

    def _needs(self, other: Join | Children) -> set[int]:
        """Number the joined tables whose columns a relation names, and those they need."""
        columns = [self._record[name] for name in other.on.values()]
        needed: set[int] = set()
        for number, linked in enumerate(self._joined):
            if any(column is linked.table.columns.get(column.key or "") for column in columns):
                needed |= {number, *linked.needs}
        return needed

    def _one(self, row: Table, operation: Operation, *conditions: sa.ColumnElement[bool]) -> str:
        chosen = self._row(row, operation, self._spelling.values)
        return self._spelling.insert(chosen.where(*conditions))

    def _row(self, row: Table, operation: Operation, select: Any) -> sa.Select[Any]:  # noqa: ANN401 because it is select or a method like it
        key = self._spelling.exact(self._key(row))
        element, told = sa.literal(self._element), sa.literal(operation.value)
        chosen: sa.Select[Any] = select(
            element.label("element"), key.label("record_key"), told.label("operation")
        )
        return chosen

    def _key(self, row: Table) -> Text:
        """Spell a key as `mapping.source.join_key` does."""
        texts = [self._spelling.text(row.column(name)) for name in self._source.keys]
        if len(texts) == 1:
            return texts[0]
        joined = _escaped(texts[0])
        for text in texts[1:]:
            joined = joined.concat(sa.literal("|")).concat(_escaped(text))
        return joined

    def _counts(self, row: Table) -> sa.ColumnElement[bool]:
        """Tell whether a row is a record of the element whose key an event can carry."""
        length = self._spelling.length(self._key(row))
        return sa.and_(length.between(1, LONGEST_KEY), *row.meets(self._source.where))


def _escaped(text: Text) -> Text:
    return sa.func.replace(sa.func.replace(text, "~", "~7e"), "|", "~7c", type_=sa.Text)
