"""Values of drivers as JSON knows them."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

import pytest

from medplum_migration.adapters.legacy_values import plain

_ID = "12345678-1234-5678-1234-567812345678"


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("2024-02-29 08:05:00", dt.datetime(2024, 2, 29, 8, 5, tzinfo=None)),  # noqa: DTZ001 because legacy columns have no zone
        ("2024-02-29", dt.date(2024, 2, 29)),
        ("08:05:00", dt.time(8, 5)),
        ("08:05:00", dt.timedelta(hours=8, minutes=5)),
        ("00:00:00", dt.timedelta()),
        ("23:59:59.500000", dt.timedelta(days=1, seconds=-0.5)),
        ("1 day, 0:00:00", dt.timedelta(days=1)),
        ("-1 day, 23:59:59", dt.timedelta(seconds=-1)),
        ("00ff", b"\x00\xff"),
        ("00ff", memoryview(b"\x00\xff")),
        ("72.50", Decimal("72.50")),
        (_ID, UUID(_ID)),
        ("0000-00-00", "0000-00-00"),
        (7, 7),
        (None, None),
    ],
)
def test_values_are_plain(expected: object, value: object) -> None:
    """Dates and times are ISO text, decimals keep their digits, other text and numbers stay."""
    assert expected == plain(value)
