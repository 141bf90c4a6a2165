"""Records of AWS DMS: which row changed; nothing else is taken from them."""

from typing import Any

import pytest

from medplum_migration.domain.dms import is_dms, read_dms
from medplum_migration.domain.errors import EventError
from medplum_migration.domain.row_change import RowChange
from tests.published import dms, sample


@pytest.mark.parametrize(
    ("number", "is_new", "is_snapshot"),
    [(0, True, True), (1, True, False), (2, False, False)],
)
def test_the_row_after_is_read(number: int, *, is_new: bool, is_snapshot: bool) -> None:
    """Rows that are loaded or inserted were not there before."""
    read = read_dms(sample("dms", number))

    assert read is not None
    assert ("patient_data", "public") == (read.table, read.schema)
    assert (is_new, is_snapshot) == (read.is_new, read.is_snapshot)
    assert 111 == (read.after or {})["pid"]
    assert (None, None) == (read.position, read.types)


def test_a_delete_tells_the_row_before() -> None:
    """PostgreSQL logs its key only; the rest is NULL."""
    read = read_dms(sample("dms", 3))

    assert read is not None
    assert (None, 111) == (read.after, (read.before or {})["pid"])


def test_a_changed_key_is_in_the_image_before() -> None:
    """It holds what was changed."""
    told = dms("update", {"number": 2}) | {"before-image": {"number": 1}}
    rows: dict[str, Any] = {"before": {"number": 1}, "after": {"number": 2}}

    assert RowChange(table="people", schema="public", **rows) == read_dms(told)


@pytest.mark.parametrize(
    "broken",
    [
        dms("merge", {"name": "Jane"}),
        dms("update", None),
        dms("update", {"name": "Jane"}, table=""),
    ],
)
def test_a_broken_record_is_refused(broken: dict[str, Any]) -> None:
    """The error names fields and quotes nothing."""
    if not broken["metadata"]["table-name"]:
        broken["metadata"]["table-name"] = None
    assert is_dms(broken)
    with pytest.raises(EventError, match="metadata") as caught:
        read_dms(broken)

    assert "Jane" not in str(caught.value)
