"""Each seeded bug of a right mapping must fall, by the laws named or by a golden row."""

import json
from pathlib import Path
from typing import Any

import pytest

from medplum_migration.mapping import law, laws
from medplum_migration.mapping.columns import LegacyRow
from medplum_migration.mapping.field import Constant, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from tests.mutants import (
    MUTANTS,
    Pairs,
    Right,
    fallen,
    found_by,
    is_killed,
    main,
    make_pairs,
    other,
    stands,
    write_golden,
)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Rows of the right mapping."""
    return make_pairs()


@pytest.fixture
def goldens(tmp_path: Path) -> Path:
    """A folder with one signed row."""
    return write_golden(tmp_path)


def test_right_mapping_stands(pairs: Pairs, goldens: Path) -> None:
    """Without a bug no law falls."""
    assert set() == fallen(Right(), pairs, goldens)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_falls(name: str, pairs: Pairs, goldens: Path) -> None:
    """A seeded bug is caught by at least the laws that are named for it."""
    assert is_killed(name, found_by(name, pairs, goldens))


def test_the_score_is_told_last(capsys: pytest.CaptureFixture[str]) -> None:
    """`make mutants` ends with how many bugs fell."""
    assert 0 == main()
    assert "killed 16 of 16" == capsys.readouterr().out.splitlines()[-1]


def test_dishonest_table() -> None:
    """A field through a table that joins codes must be declared lossy."""
    with pytest.raises(AssertionError, match="sex is lossy"):
        law.honest_tables(other("sex", lossy=False, why="")())


def test_rows_that_do_not_map(pairs: Pairs) -> None:
    """A law over quarantined rows proves nothing, and falls."""
    wrong = [(row | {"sex": "Z"}, second) for row, second in pairs]
    with pytest.raises(AssertionError, match="0% of the rows map"):
        laws.hold(law.valid, Right(), wrong)


def test_failing_row_is_shown(pairs: Pairs) -> None:
    """A broken law shows the made-up row that breaks it, without its blanks."""
    with pytest.raises(AssertionError) as broken:
        laws.hold(law.isomorphism, other("is_active", lambda v: not v)(), pairs)
    assert "is_active" in broken.value.__notes__[0]


def test_unsigned_golden(goldens: Path) -> None:
    """A golden row that nobody signed does not count, nor does an empty folder."""
    (goldens / "two.legacy.json").write_text(json.dumps({"row": {}}))
    with pytest.raises(AssertionError, match="not signed"):
        law.golden(Right(), goldens)
    with pytest.raises(AssertionError, match="no golden row"):
        law.golden(Right(), goldens / "none")


def test_back_that_refuses(pairs: Pairs) -> None:
    """A way back that refuses what the way there made breaks isomorphism."""
    mutant = other("family", None, lambda _: refuse("never"))()
    assert not stands(law.isomorphism, mutant, pairs)


class Visits(Mapping[Any]):
    """A mapping with references, in a list too."""

    class Row(LegacyRow):
        """A visit."""

        visit_id: int
        pid: int | None

    element, resource, row = "visits", "Basic", Row
    table, key, system = "visit", "visit_id", "urn:visit"
    owns = ("extension",)
    fields = (
        Constant("code", {"text": "visit"}),
        Reference("pid", "subject", to=Right()),
    )

    def enrich(self, row: Any, resource: dict[str, Any]) -> dict[str, Any]:
        """Add a list."""
        del row
        return resource | {"extension": [{"url": "urn:x", "valueString": "x"}]}


def test_references_count_as_resolved() -> None:
    """The law `valid` takes a conditional reference for the one the engine will put there."""
    assert law.valid(Visits(), {"visit_id": 1, "pid": 7}, {})
