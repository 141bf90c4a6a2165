"""Debezium's envelopes: images, log positions and types, in every form that messages have."""

from typing import Any

import pytest

from medplum_migration.domain.debezium import is_envelope, read_envelope
from medplum_migration.domain.errors import EventError
from medplum_migration.domain.row_change import ColumnType, RowChange
from tests.published import mysql, postgresql, sample, with_schema


def change(value: dict[str, Any]) -> RowChange:
    """Read a message that tells of a row."""
    assert is_envelope(value)
    read = read_envelope(value)
    assert read is not None
    return read


def test_postgresql_tells_the_lsn_of_the_change() -> None:
    """Table, schema, images and position are those of the sample."""
    read = change(sample("debezium_postgresql"))

    assert ("patient_data", "public", 24023128) == (read.table, read.schema, read.position)
    assert (None, 111) == (read.before, (read.after or {})["pid"])
    assert ColumnType("io.debezium.time.Date") == (read.types or {})["DOB"]
    assert not read.is_new


def test_a_delete_has_no_row_after() -> None:
    """Without a schema the types are not known."""
    read = change(sample("debezium_postgresql", 1))

    assert (None, 111) == (read.after, (read.before or {})["pid"])
    assert read.types is None


def test_mysql_positions_grow_along_the_log() -> None:
    """The next row of an event, the next event and the next file each count more."""
    places: list[dict[str, Any]] = [
        {"file": "mysql-bin.000003", "pos": 774, "row": 0},
        {"file": "mysql-bin.000003", "pos": 774, "row": 1},
        {"file": "mysql-bin.000003", "pos": 775, "row": 0},
        {"file": "mysql-bin.000004", "pos": 4, "row": 0},
        {"file": "mysql-bin.131071", "pos": 2**32 - 1, "row": 2**14 - 1},
    ]
    positions = [change(mysql("u", after={}, **place)).position or 0 for place in places]

    assert sorted(set(positions)) == positions
    assert 2**63 - 1 == positions[-1]


@pytest.mark.parametrize(
    "place",
    [
        {"file": "mysql-bin.131072"},
        {"file": "mysql-bin"},
        {"pos": 2**32},
        {"pos": None},
        {"row": 2**14},
        {"row": -1},
        {"row": "0"},
    ],
)
def test_a_position_that_cannot_be_one_integer_is_none(place: dict[str, Any]) -> None:
    """Better no position than one that compares wrongly."""
    assert change(mysql("u", after={}, **place)).position is None


@pytest.mark.parametrize("snapshot", ["true", "first", "last", "incremental", True])
@pytest.mark.parametrize("operation", ["r", "c"])
def test_a_row_of_a_snapshot_has_no_position(operation: str, snapshot: object) -> None:
    """The connector was there at that position; the row's last change may lie behind or before."""
    read = change(postgresql(operation, after={"number": 1}, snapshot=snapshot))

    assert (True, True, None) == (read.is_snapshot, read.is_new, read.position)


def test_a_flattened_message_tells_its_table() -> None:
    """`ExtractNewRecordState` with `add.fields` leaves the row and names with two underscores."""
    flat = {"number": 1, "__op": "u", "__table": "people", "__schema": "public"}
    gone = {"number": 1, "__op": "d", "__table": "people", "__deleted": "true"}

    assert RowChange(table="people", schema="public", after={"number": 1}) == change(flat)
    assert RowChange(table="people", before={"number": 1}) == change(gone)


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (postgresql("x", after={}), "op"),
        (postgresql("u", after={}) | {"source": None}, "source"),
        (postgresql("u", after={}) | {"op": ["u"]}, "op"),
        (postgresql("u", after={}, table=""), "table"),
        (postgresql("u", after={}) | {"after": "Jane"}, "after"),
        (postgresql("u", after={}) | {"before": [1]}, "before"),
        ({"__op": "u", "name": "Jane"}, "__table"),
        ({"__op": "x", "name": "Jane"}, "__op"),
        (
            with_schema(
                postgresql("u", after={}), name={"type": "bytes", "parameters": {"scale": "Jane"}}
            ),
            "schema",
        ),
    ],
)
def test_a_broken_envelope_is_told_by_field(broken: dict[str, Any], field: str) -> None:
    """The error quotes no value."""
    with pytest.raises(EventError, match=field) as caught:
        change(broken)

    assert "Jane" not in str(caught.value)


def test_a_schema_tells_the_scale_of_decimals() -> None:
    """It is among the parameters of the column."""
    name = "org.apache.kafka.connect.data.Decimal"
    kind = {"type": "bytes", "name": name, "parameters": {"scale": "2"}}
    read = change(with_schema(postgresql("u", after={}), fee=kind, note="string"))

    assert {"fee": ColumnType(name, 2), "note": ColumnType("string")} == read.types


def test_a_schema_of_something_else_tells_nothing() -> None:
    """Types that are not there are not known."""
    assert change({"schema": {"fields": "none"}, "payload": postgresql("u")}).types is None
