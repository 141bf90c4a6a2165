"""Debezium's values come out as the legacy store spells them, or not at all."""

import base64
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medplum_migration.adapters import legacy_values
from medplum_migration.domain.debezium_values import plain
from medplum_migration.domain.row_change import ColumnType

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 because legacy times have no zone
MICROSECOND = dt.timedelta(microseconds=1)
CONNECT = "org.apache.kafka.connect.data"


@given(st.dates(), st.sampled_from(["io.debezium.time.Date", f"{CONNECT}.Date"]))
def test_days_are_spelled_as_the_store_does(day: dt.date, name: str) -> None:
    """Days since 1970 become a date."""
    assert legacy_values.plain(day) == plain((day - EPOCH.date()).days, ColumnType(name))


@given(st.datetimes())
def test_times_are_spelled_as_the_store_does(moment: dt.datetime) -> None:
    """Microseconds since 1970 become a time without a zone."""
    kind = ColumnType("io.debezium.time.MicroTimestamp")

    assert legacy_values.plain(moment) == plain((moment - EPOCH) // MICROSECOND, kind)


@given(st.times())
def test_times_of_day_are_spelled_as_the_store_does(time: dt.time) -> None:
    """Microseconds since midnight become a time of day."""
    since = dt.datetime.combine(EPOCH, time) - EPOCH

    assert legacy_values.plain(time) == plain(
        since // MICROSECOND, ColumnType("io.debezium.time.MicroTime")
    )


@given(st.integers(-(10**40), 10**40), st.integers(0, 12))
def test_decimals_are_spelled_as_the_store_does(unscaled: int, scale: int) -> None:
    """The unscaled integer and the scale of the column become a decimal, however long."""
    raw = unscaled.to_bytes(unscaled.bit_length() // 8 + 1, signed=True)
    text = base64.b64encode(raw).decode()
    number = legacy_values.plain(Decimal(f"{unscaled}E-{scale}"))

    assert number == plain(text, ColumnType(f"{CONNECT}.Decimal", scale))


@pytest.mark.parametrize(
    ("value", "kind", "spelled"),
    [
        (None, "io.debezium.time.Date", None),
        ("Zoë", "string", "Zoë"),
        (7, "int64", 7),
        (True, "boolean", True),
        ("3f0b…", "io.debezium.data.Uuid", "3f0b…"),
        (1000, f"{CONNECT}.Timestamp", "1970-01-01 00:00:01"),
        (1, "io.debezium.time.Timestamp", "1970-01-01 00:00:00.001000"),
        (61000, "io.debezium.time.Time", "00:01:01"),
        ("2026-01-01T00:00:00Z", "io.debezium.time.ZonedTimestamp", "2026-01-01 00:00:00+00:00"),
        ("AP8=", "bytes", "00ff"),
    ],
)
def test_each_type_has_its_spelling(value: object, kind: str, spelled: object) -> None:
    """What JSON knows already stays as it is; missing stays missing."""
    assert spelled == plain(value, ColumnType(kind))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("POINT", "io.debezium.data.geometry.Point"),
        (1, "io.debezium.time.NanoTimestamp"),
        ("{}", "io.debezium.data.Json"),
        ("1980-02-29", "io.debezium.time.Date"),
        (2**60, "io.debezium.time.Date"),
        (-1, "io.debezium.time.MicroTime"),
        (86_400_000, "io.debezium.time.Time"),
        ("1980", "io.debezium.time.ZonedTimestamp?"),
        ("Jane", "io.debezium.time.ZonedTimestamp"),
        (7, "io.debezium.time.ZonedTimestamp"),
        ("Jane!", "bytes"),
        (7, f"{CONNECT}.Decimal"),
    ],
)
def test_what_may_be_spelled_wrongly_is_refused(value: object, kind: str) -> None:
    """Unknown types and values of another type are refused without being quoted."""
    with pytest.raises(ValueError, match=r"type|instant|time of day") as caught:
        plain(value, ColumnType(kind))

    assert "Jane" not in str(caught.value)
