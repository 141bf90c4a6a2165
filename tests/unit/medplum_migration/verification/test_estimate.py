"""The estimate of a first load: what is sampled, and what follows from it."""

from typing import Any

import pytest

from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.verification.estimate import DEFAULT_QUOTA, Estimate, Sample, estimate, take
from tests.unit.medplum_migration.cli import fork


def person(number: int, **changes: Any) -> LegacyRecord:
    """Make a record of the fork's people."""
    row = {"number": number, "surname": "Oak", "sex": "M", "clinic": "north"}
    return LegacyRecord(str(number), 1, row | changes)


def test_a_sample_counts_what_records_give() -> None:
    """Resources and references per record read, those in quarantine among them."""
    found = take(fork.people, [person(1), person(2, clinic=None), person(3, sex="?"), person(4)])

    assert Sample(4, 1, 0.75, 0.5) == found


def test_references_inside_lists_count_once_each() -> None:
    """A parent that is named twice by a record is looked up once."""
    visit = {"visit": 1, "line": 1, "person": 7, "weight": "70", "height": "1.8", "place": ""}
    found = take(fork.visits, [LegacyRecord("1|1", 1, {**visit, "remarks": [{"text": "x"}]})])

    assert Sample(1, 0, 2, 1) == found


def test_nothing_to_sample() -> None:
    """An empty table costs nothing."""
    found = estimate(fork.people, records=0, sample=take(fork.people, []))

    assert (0, 0, 0, 0) == (found.resources, found.points, found.price, found.seconds(1))


@pytest.mark.parametrize(
    ("records", "sample", "identifiers", "points"),
    [
        (1, Sample(1, 0, 1, 0), 1, 120 + 20),
        (100, Sample(100, 0, 1, 0), 1, 100 * 120 + 20),
        (101, Sample(100, 0, 1, 0), 1, 101 * 120 + 40),
        (100, Sample(100, 0, 1, 1), 1, 100 * 120 + 20 + 20),
        (100, Sample(100, 50, 0.5, 0.5), 1, 50 * 120 + 20 + 20),
        (100, Sample(100, 0, 8, 3), 10, 800 * 120 + 200 + 60),
    ],
)
def test_points(records: int, sample: Sample, identifiers: int, points: int) -> None:
    """120 a create, 20 a search of a hundred identifiers, 20 for a hundred references."""
    assert points == Estimate(records, sample, identifiers).points


def test_time_follows_from_the_quota() -> None:
    """A million simple records at the default quota take some forty hours."""
    found = Estimate(1_000_000, Sample(1, 0, 1, 0), 1)

    assert 40 == round(found.seconds(DEFAULT_QUOTA) / 3600)


def test_the_price_follows_from_records_and_resources() -> None:
    """More records and more resources cost more; a million records cost a few dollars."""
    small = Estimate(1_000_000, Sample(1, 0, 1, 0), 1)
    wide = Estimate(1_000_000, Sample(1, 0, 10, 0), 10)

    assert 0.5 < small.price < 5
    assert wide.price > 2 * small.price
    assert 2 * small.price == pytest.approx(Estimate(2_000_000, small.sample, 1).price)
