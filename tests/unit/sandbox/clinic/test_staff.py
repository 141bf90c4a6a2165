"""Made-up staff: the same for the same seed, and those whom patients point at."""

import sqlalchemy as sa

from sandbox.clinic.people import GONE_USERS, USER_IDS, Row
from sandbox.clinic.schema import FACILITY, USERS, schema
from sandbox.clinic.staff import facility, staff


def test_the_same_seed_gives_the_same_staff() -> None:
    """Another seed gives others, under the same numbers."""
    first, again, others = (list(staff(seed=seed)) for seed in (1, 1, 2))

    assert first == again
    assert [row["fname"] for row in first] != [row["fname"] for row in others]
    assert list(USER_IDS) == [row["id"] for row in first] == [row["id"] for row in others]
    assert not set(USER_IDS) & set(GONE_USERS)


def test_values_fit_their_columns() -> None:
    """A strict database takes them, and all work at the one facility."""
    place, people = facility(), list(staff(seed=1))

    assert [] == [name for row in people for name in _unfit(USERS, row)]
    assert [] == _unfit(FACILITY, place)
    assert {place["id"]} == {row["facility_id"] for row in people}


def _unfit(table: str, row: Row) -> list[str]:
    types = {column.name: column.type for column in schema().tables[table].c}
    return [
        name
        for name, value in row.items()
        if name not in types
        or (isinstance(kind := types[name], sa.String) and len(value or "") > (kind.length or 255))
    ]
