"""Which records a change of mapping touches."""

from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.verification.blast_radius import (
    QUARANTINED,
    Seen,
    Touched,
    count,
    seen,
    touched,
)
from tests.unit.medplum_migration.cli import fork

SECRET = b"secret"


def one(number: int, surname: str, *, sex: str = "M", version: int = 1) -> LegacyRecord:
    """Make a record of the fork's people."""
    row = {"number": number, "surname": surname, "sex": sex, "clinic": None}
    return LegacyRecord(str(number), version, row)


def hashed(*records: LegacyRecord, secret: bytes = SECRET) -> list[Seen]:
    """Map records and hash what they give."""
    return list(seen(fork.people, records, secret))


def test_hashes_say_what_is_equal_and_nothing_else() -> None:
    """The same content under the same secret, and neither key nor value is legible."""
    (first,), (same,), (other,) = (
        hashed(one(1, "Oak")),
        hashed(one(1, "Oak", version=2)),
        hashed(one(1, "Elm")),
    )

    assert first.content == same.content
    assert first.content != other.content
    assert first.record == other.record
    assert first.content != hashed(one(1, "Oak"), secret=b"other")[0].content
    assert QUARANTINED == hashed(one(1, "Oak", sex="?"))[0].content


def test_each_record_is_told() -> None:
    """Every way in which a record may differ has its name."""
    before = [
        Seen("same", 1, "a"),
        Seen("same row again", 1, "a"),
        Seen("changed", 1, "a"),
        Seen("now quarantined", 1, "a"),
        Seen("now mapped", 1, QUARANTINED),
        Seen("still quarantined", 1, QUARANTINED),
        Seen("row changed", 1, "a"),
        Seen("gone", 1, "a"),
    ]
    now = [
        Seen("same", 1, "a"),
        Seen("same row again", 2, "a"),
        Seen("changed", 1, "b"),
        Seen("now quarantined", 1, QUARANTINED),
        Seen("now mapped", 1, "a"),
        Seen("still quarantined", 1, QUARANTINED),
        Seen("row changed", 2, "b"),
        Seen("new", 1, "a"),
    ]
    found = dict(touched({record.record: record for record in before}, now))

    assert {
        "same": Touched.SAME,
        "same row again": Touched.SAME,
        "changed": Touched.CHANGED,
        "now quarantined": Touched.NOW_QUARANTINED,
        "now mapped": Touched.NOW_MAPPED,
        "still quarantined": Touched.SAME,
        "row changed": Touched.ROW_CHANGED,
        "new": Touched.NEW,
        "gone": Touched.GONE,
    } == found
    assert 3 == count(found.items())[Touched.SAME]
