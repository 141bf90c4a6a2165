"""The queries of one element, and its rows as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from medplum_migration.adapters.legacy_catalogue import equal, is_integer
from medplum_migration.adapters.legacy_values import plain
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.source import Key, Source, join_key, split_key

_BIGINT_DIGITS, _BIGINT_END = 20, 2**63


@dataclass(frozen=True, slots=True)
class ChildRows:
    """The query of one `Children`; `on` pairs its columns with columns of the record."""

    name: str
    clause: sa.FromClause
    on: tuple[tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]], ...]
    conditions: tuple[sa.ColumnElement[bool], ...]
    columns: Mapping[str, sa.ColumnElement[Any]]
    order_by: tuple[sa.ColumnElement[Any], ...]

    def of(self, records: sa.Select[Any], keys: Sequence[sa.ColumnElement[Any]]) -> sa.Select[Any]:
        """Read the keys of the records of a query, and the children's columns."""
        keyed = [key.label(f"key_{n}") for n, key in enumerate(keys)]
        linked = [ours.label(f"on_{n}") for n, (_, ours) in enumerate(self.on)]
        page = records.with_only_columns(*keyed, *linked).subquery("page")
        related = [equal(theirs, page.c[f"on_{n}"]) for n, (theirs, _) in enumerate(self.on)]
        children = page.join(self.clause, sa.and_(sa.true(), *related, *self.conditions))
        columns = (*(page.c[key.name] for key in keyed), *self.columns.values())
        return sa.select(*columns).select_from(children).order_by(*self.order_by)


@dataclass(frozen=True, slots=True)
class Reader:
    """The queries of one element.

    `tables` gives a row for each record; `existing` tells which there are, and may be smaller.
    """

    element: str
    source: Source
    keys: tuple[sa.ColumnElement[Any], ...]
    columns: Mapping[str, sa.ColumnElement[Any]]
    tables: sa.FromClause
    existing: sa.FromClause
    conditions: tuple[sa.ColumnElement[bool], ...]
    children: tuple[ChildRows, ...]

    @property
    def loses_joined_rows(self) -> bool:
        """Tell whether a record can end while its base row stays."""
        return any(join.required for join in self.source.joins)

    def page(self, *, after: str | None, upto: str | None) -> sa.Select[Any]:
        """Read records with keys in (`after`, `upto`], in key order."""
        bounds = (*self._after(after), *self._upto(upto))
        return self._select().where(*bounds).order_by(*self.keys)

    def with_keys(self, texts: Sequence[str]) -> sa.Select[Any]:
        """Read the records of some keys."""
        wanted = [key for key in map(self._key, texts) if key is not None]
        # An index on several columns serves a condition on the first.
        firsts = self.keys[0].in_(list(dict.fromkeys(key[0] for key in wanted)))
        if len(self.keys) == 1:
            return self._select().where(firsts)
        return self._select().where(firsts, sa.tuple_(*self.keys).in_(wanted))

    def count(self) -> sa.Select[int]:
        """Count the records."""
        number = sa.select(sa.func.count()).select_from(self.existing)
        return number.where(*self.conditions)

    def boundary(self, *, after: str | None, size: int) -> sa.Select[Any]:
        """Find how many of `size` records there are after a key, and the last one's key."""
        keys = sa.select(*(key.label(f"key_{n}") for n, key in enumerate(self.keys)))
        keys = keys.select_from(self.existing).where(*self.conditions, *self._after(after))
        keys = keys.order_by(*self.keys).limit(size)
        ahead, number = keys.subquery("ahead"), sa.select(sa.func.count())
        number = number.select_from(keys.subquery("counted"))
        last = sa.select(number.scalar_subquery(), *ahead.c)
        return last.order_by(*(key.desc() for key in ahead.c)).limit(1)

    def rows(self, connection: sa.Connection, query: sa.Select[Any]) -> dict[str, dict[str, Any]]:
        """Execute a query of records; give plain rows by key.

        Raises:
            ConfigurationError: two rows share a key.

        """
        rows: dict[str, dict[str, Any]] = {}
        for found in connection.execute(query):
            key, values = self._split(found)
            if key in rows:
                raise self._not_unique()
            rows[key] = dict(zip(self.columns, values, strict=True))
            rows[key] |= {child.name: [] for child in self.children}
        for child in self.children if rows else ():
            for found in connection.execute(child.of(query, self.keys)):
                key, values = self._split(found)
                rows[key][child.name].append(dict(zip(child.columns, values, strict=True)))
        return rows

    def key_text(self, parts: Sequence[Key]) -> str:
        """Spell a record's key from what its key columns hold."""
        return join_key([str(part) for part in parts])

    def _split(self, found: Sequence[Any]) -> tuple[str, list[object]]:
        end = len(self.keys)
        return self.key_text(found[:end]), [plain(value) for value in found[end:]]

    def _select(self) -> sa.Select[Any]:
        columns = sa.select(*self.keys, *self.columns.values())
        return columns.select_from(self.tables).where(*self.conditions)

    def _after(self, text: str | None) -> list[sa.ColumnElement[bool]]:
        if text is None:
            return []
        pairs = list(zip(self.keys, self._bound(text), strict=True))
        past = [_equal(pairs[:n], key > value) for n, (key, value) in enumerate(pairs)]
        return [pairs[0][0] >= pairs[0][1], sa.or_(*past)]

    def _upto(self, text: str | None) -> list[sa.ColumnElement[bool]]:
        if text is None:
            return []
        pairs = list(zip(self.keys, self._bound(text), strict=True))
        before = [_equal(pairs[:n], key < value) for n, (key, value) in enumerate(pairs)]
        return [pairs[0][0] <= pairs[0][1], sa.or_(*before, _equal(pairs))]

    def _bound(self, text: str) -> tuple[Key, ...]:
        key = self._key(text)
        if key is None:
            reason = "a bound is not a key of this table"
            raise ConfigurationError(reason, element=self.element)
        return key

    def _key(self, text: str) -> tuple[Key, ...] | None:
        texts = split_key(text, len(self.keys)) or ()
        parts = [_part(one, column) for one, column in zip(texts, self.keys, strict=False)]
        known = tuple(part for part in parts if part is not None)
        return known if len(known) == len(self.keys) else None

    def _not_unique(self) -> ConfigurationError:
        if not self.source.joins:
            return ConfigurationError("the key column is not unique", element=self.element)
        reason = "the key column is not unique, or a joined table has several rows of a record"
        joined = ", ".join(dict.fromkeys(join.table for join in self.source.joins))
        return ConfigurationError(reason, element=self.element, joined=joined)


def _equal(
    pairs: Sequence[tuple[sa.ColumnElement[Any], Key]], *more: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    return sa.and_(sa.true(), *(column == value for column, value in pairs), *more)


def _part(text: str, column: sa.ColumnElement[Any]) -> Key | None:
    """Read a part of a key as its column spells it: "07" is not 7, it is no key."""
    if not is_integer(column):
        return None if "\0" in text else text
    digits = len(text) <= _BIGINT_DIGITS and text.isascii() and text.removeprefix("-").isdigit()
    number = int(text) if digits else _BIGINT_END
    return number if str(number) == text and -_BIGINT_END <= number < _BIGINT_END else None
