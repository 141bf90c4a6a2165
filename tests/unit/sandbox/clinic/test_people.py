"""Made-up people: the same for the same seed, dirty in the ways of real data."""

from collections import Counter
from itertools import islice

import pytest
import sqlalchemy as sa

from sandbox.clinic.people import GONE_USERS, USER_IDS, ZERO_DATE, Row, oddity, people
from sandbox.clinic.schema import PATIENT_DATA, schema

NUMBER = 5000


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Make up enough people for every quirk."""
    return list(islice(people(seed=7), NUMBER))


def test_the_same_seed_gives_the_same_people(rows: list[Row]) -> None:
    """A smaller clinic is the beginning of a larger one; another seed gives others."""
    assert rows[:200] == list(islice(people(seed=7), 200))
    assert rows[:200] != list(islice(people(seed=8), 200))


def test_keys_are_unique_and_unlike_ids(rows: list[Row]) -> None:
    """`pid` differs from `id` in about half of the rows and never repeats."""
    differing = sum(row["pid"] != row["id"] for row in rows)
    assert NUMBER == len({row["pid"] for row in rows})
    assert 0.45 < differing / NUMBER < 0.55


def test_values_fit_their_columns(rows: list[Row]) -> None:
    """Every column is one of the table's and no text is cut off by a strict database."""
    columns = schema().tables[PATIENT_DATA].c
    assert set() == {name for row in rows for name in row} - set(columns.keys())
    lengths = {c.name: c.type.length for c in columns if isinstance(c.type, sa.String)}
    too_long = {n for row in rows for n, v in row.items()
                if isinstance(v, str) and len(v) > (lengths.get(n) or 255)}  # fmt: skip
    assert set() == too_long


@pytest.mark.parametrize(
    ("quirk", "least", "most"),
    [
        (lambda r: r["uuid"] is None, 0.4, 0.6),
        (lambda r: r["financial_review"] == ZERO_DATE, 0.4, 0.6),
        (lambda r: r["status"] == "active", 0.4, 0.5),
        (lambda r: r["providerID"] in USER_IDS, 0.6, 0.75),
        (lambda r: r["providerID"] in GONE_USERS, 0.01, 0.04),
        (lambda r: r["sex"] == "", 0.01, 0.05),
        (lambda r: r["DOB"] is None, 0.005, 0.03),
        (lambda r: (r["title"], r["sex"]) in (("Mr.", "Female"), ("Mrs.", "Male")), 0.003, 0.03),
        (lambda r: r["ss"].isdigit(), 0.1, 0.3),
        (lambda r: "-" in r["ss"], 0.3, 0.5),
        (lambda r: r["state"] == "California", 0.01, 0.1),
        (lambda r: r["lname"].endswith(" "), 0.01, 0.04),
        (lambda r: "'" in r["lname"], 0.01, 0.1),
        (lambda r: not r["fname"].isascii(), 0.2, 0.7),
        (lambda r: len(r["street"]) == 230, 0.001, 0.02),
        (lambda r: r["deceased_date"] is not None, 0.01, 0.05),
    ],
)
def test_quirks_have_their_share(rows: list[Row], quirk: object, least: float, most: float) -> None:
    """Each quirk of real data is there, about as often as the documentation says."""
    assert callable(quirk)
    assert least <= sum(map(quirk, rows)) / NUMBER <= most


def test_two_people_share_a_number(rows: list[Row]) -> None:
    """Some social security numbers belong to two people."""
    assert max(Counter(row["ss"] for row in rows if row["ss"]).values()) > 1


def test_oddities_are_rare_and_configurable(rows: list[Row]) -> None:
    """About one row in 200 is meant to be quarantined, for each reason; or as many as wished."""
    odd = Counter(map(oddity, rows))
    assert {"", "sex", "died_in_dst_gap", "died_in_dst_overlap"} == set(odd)
    assert 0.003 < 1 - odd[""] / NUMBER < 0.008
    assert {""} == set(map(oddity, islice(people(seed=7, odd_share=0), 1000)))
    assert 100 == sum(bool(oddity(row)) for row in islice(people(seed=7, odd_share=1), 100))
