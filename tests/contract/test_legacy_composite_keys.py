"""Records with several key columns, on three databases: one text a record, one order."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.capture_tables import OUTBOX
from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.adapters.sql_capture import SqlCapture
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.source import Source, join_key
from tests.contract.legacy_databases import BIGINT, SQL, TEXT, empty_database

Key: TypeAlias = tuple[int, str]
LINES, MARKS = "lines", "marks"
_SCHEMA = sa.MetaData()
_LINE = sa.Table(
    "order line",
    _SCHEMA,
    sa.Column("order", BIGINT),
    sa.Column("code", TEXT),
    sa.Column("mark", BIGINT),
    sa.UniqueConstraint("order", "code"),
)
_MARK = sa.Table(
    "mark",
    _SCHEMA,
    sa.Column("line", BIGINT, primary_key=True, autoincrement=False),
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("number", BIGINT, primary_key=True, autoincrement=False),
)
# MariaDB compares texts as if blanks followed.
_TEXT = st.text("abA|~7ceß山𝄞'\"%:\\ _?", max_size=6).map(str.strip)
KEYS = st.sets(st.tuples(st.integers(-2, 2) | st.just(2**63 - 1), _TEXT), max_size=25)


def text(key: Key) -> str:
    """Spell a key."""
    return join_key([str(part) for part in key])


class Lines:
    """A table with a composite key, and the store that reads it."""

    def __init__(self, dsn: str) -> None:
        self.engine = snapshot_engine(dsn)
        _SCHEMA.create_all(self.engine)
        SqlCapture(self.engine, {}).install()
        lines = Source(_LINE.name, ("order", "code"), ("mark",))
        marks = Source(_MARK.name, tuple(_MARK.c.keys()), ())
        self.store = SqlLegacyStore(self.engine, {LINES: lines, MARKS: marks})

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def fill(self, keys: list[tuple[int | None, str | None]] | list[Key]) -> None:
        """Replace all rows; the mark is the position."""
        rows = [{"order": order, "code": code, "mark": n} for n, (order, code) in enumerate(keys)]
        with self.engine.begin() as connection:
            connection.execute(_LINE.delete())
            if rows:
                connection.execute(_LINE.insert(), rows)

    def page(self, *, after: Key | None = None, upto: Key | None = None, limit: int = 99) -> Any:
        """Read a page between two keys."""
        bounds = [None if key is None else text(key) for key in (after, upto)]
        return self.store.page(LINES, after=bounds[0], upto=bounds[1], limit=limit)


@pytest.fixture(params=SQL)
def lines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lines]:
    """Offer the table on each database."""
    with empty_database(request.param, tmp_path) as dsn, closing(Lines(dsn)) as opened:
        yield opened


every_database = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@every_database
@given(keys=KEYS, limit=st.integers(1, 4))
def test_pages_partition_the_records(lines: Lines, keys: set[Key], limit: int) -> None:
    """Pages give each record once, in the order of the key columns; all calls agree."""
    lines.fill(list(keys))
    found: list[LegacyRecord] = []
    while page := lines.store.page(
        LINES, after=found[-1].key if found else None, upto=None, limit=limit
    ):
        after = found[-1].key if found else None
        assert (page[-1].key, len(page)) == lines.store.boundary(LINES, after=after, size=limit)
        found += page
    assert list(map(text, sorted(keys))) == [record.key for record in found]
    assert len(keys) == lines.store.count(LINES)
    assert found == lines.store.read(LINES, [record.key for record in found])


@every_database
@given(keys=KEYS.filter(bool), data=st.data())
def test_a_page_lies_between_its_bounds(lines: Lines, keys: set[Key], data: st.DataObject) -> None:
    """A page holds what follows `after`, up to `upto` itself, whether or not these exist."""
    lines.fill(list(keys))
    bound = st.sampled_from(sorted(keys)) | st.tuples(st.integers(-3, 3), _TEXT)
    after, upto = data.draw(bound), data.draw(bound)
    expected = [text(key) for key in sorted(keys) if after < key <= upto]
    assert expected == [record.key for record in lines.page(after=after, upto=upto)]


SMALL = st.tuples(st.integers(0, 2), st.sampled_from(["", "a", "b"]), st.integers(0, 2))


@every_database
@given(keys=st.sets(SMALL, min_size=1), after=SMALL, upto=SMALL)
def test_bounds_of_three_key_columns(
    lines: Lines, keys: set[tuple[int, str, int]], after: Any, upto: Any
) -> None:
    """Each key column is compared where all those before it are equal."""
    with lines.engine.begin() as connection:
        connection.execute(_MARK.delete())
        connection.execute(_MARK.insert().values(list(keys)))
    spelled = {key: join_key([str(part) for part in key]) for key in {*keys, after, upto}}
    page = lines.store.page(MARKS, after=spelled[after], upto=spelled[upto], limit=99)
    expected = [spelled[key] for key in sorted(keys) if after < key <= upto]
    assert expected == [record.key for record in page]


def test_versions_are_those_of_the_key_text(lines: Lines) -> None:
    """A record's version is found by the text of its key; its neighbours keep theirs."""
    keys = [(1, "a|b"), (1, "~"), (1, "a~7cb"), (11, "")]
    lines.fill(keys)
    with lines.engine.begin() as connection:
        for key in ("1|a~7cb", "1|~7e", "1|~7e"):
            row = {"element": LINES, "record_key": key, "operation": "upsert"}
            connection.execute(OUTBOX.insert().values(row))
    expected = [("1|a~7cb", 1, 0), ("1|~7e", 2, 1), ("1|a~7e7cb", 0, 2), ("11|", 0, 3)]
    records = lines.store.read(LINES, list(map(text, keys)))
    assert expected == [(r.key, r.version, (r.row or {})["mark"]) for r in records]


def test_texts_that_are_no_keys_have_no_row(lines: Lines) -> None:
    """Another number of parts, another spelling, or a number that is none: nobody's key."""
    lines.fill([(1, "a"), (7, "~")])
    near = ["1", "1|a|", "01|a", "1 |a", "|a", "1|A", "7|~", "7|~7E", "", "1|a\0", f"{2**63}|a"]
    assert [(key, None) for key in near] == [(r.key, r.row) for r in lines.store.read(LINES, near)]
    for bound in ("1", "x|a", "7|~"):
        with pytest.raises(ConfigurationError, match="a bound is not a key"):
            lines.store.page(LINES, after=bound, upto=None, limit=1)


def test_null_in_a_key_column_makes_no_record(lines: Lines) -> None:
    """A row counts only when all of its key columns hold something."""
    lines.fill([(1, None), (None, "a"), (None, None), (1, "")])
    assert ["1|"] == [record.key for record in lines.page()]
    assert (1, ("1|", 1)) == (
        lines.store.count(LINES), lines.store.boundary(LINES, after=None, size=9)
    )  # fmt: skip


def test_many_keys_in_one_read(lines: Lines) -> None:
    """More keys than a statement takes are still one read."""
    lines.fill([(n, f"{n}|") for n in range(0, 1200, 2)])
    records = lines.store.read(LINES, [text((n, f"{n}|")) for n in range(1200)])
    assert [n // 2 if n % 2 == 0 else None for n in range(1200)] == [
        record.row and record.row["mark"] for record in records
    ]
