"""A test class per mapping: one subclass gets every law as property tests.

    class TestPatients(laws.Laws):
        mapping, goldens = patients, GOLDENS / "patients"

Laws say nothing about rows that do not map, so each demands a share of rows that do.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from medplum_migration.mapping import law, strategies
from medplum_migration.mapping.law import Law, Row, demand
from medplum_migration.mapping.mapping import Mapping

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def sample(rows: "SearchStrategy[Row]", examples: int) -> list[tuple[Row, Row]]:
    """Draw pairs of rows, the same each time."""
    from hypothesis import HealthCheck, Phase, given, settings

    drawn: list[tuple[Row, Row]] = []

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(rows, rows)
    def draw(row: Row, other: Row) -> None:
        drawn.append((row, other))

    draw()
    return drawn


def hold(
    one: Law, mapping: Mapping[Any], pairs: list[tuple[Row, Row]], *, floor: float = 0.5
) -> float:
    """Check a law on many rows; returns the share of rows that mapped.

    Raises:
        AssertionError: the law is broken, or fewer than `floor` of the rows map.

    """
    seen = [_check(one, mapping, row, other) for row, other in pairs]
    share = sum(seen) / len(seen)
    demand(share >= floor, f"{one.__name__}: {share:.0%} of the rows map, {floor:.0%} are needed")
    return share


def _check(one: Law, mapping: Mapping[Any], row: Row, other: Row) -> bool:
    try:
        return one(mapping, row, other)
    except Exception as error:
        empty = strategies.blank(mapping)
        filled = {name: value for name, value in row.items() if value != empty[name]}
        error.add_note(f"{one.__name__} fails on the made-up row {filled}")
        raise


class Laws:
    """Base of a test class: set `mapping` and `goldens`, and `edges` for columns with codes."""

    mapping: ClassVar[Mapping[Any]]
    goldens: ClassVar[Path]
    edges: ClassVar[dict[str, strategies.Edges]] = {}
    floor: ClassVar[float] = 0.5
    examples: ClassVar[int] = 100

    @classmethod
    @cache
    def _pairs(cls) -> list[tuple[Row, Row]]:
        return sample(strategies.rows(cls.mapping, cls.edges), cls.examples)

    def _hold(self, check: Law) -> None:
        share = hold(check, self.mapping, self._pairs(), floor=self.floor)
        print(f"{self.mapping.element} {check.__name__}: {share:.0%} mapped")  # noqa: T201 because pytest -s shows it

    def test_totality(self) -> None:
        """Any row gives resources or a quarantine, never an exception."""
        self._hold(law.totality)
        edges = [(row, row) for row in strategies.sweep(self.mapping, self.edges)]
        hold(law.totality, self.mapping, edges, floor=0)

    def test_isomorphism(self) -> None:
        """What is not lossy comes back as it went."""
        self._hold(law.isomorphism)

    def test_get_put(self) -> None:
        """An unedited resource changes nothing in its row."""
        self._hold(law.get_put)

    def test_put_get(self) -> None:
        """What is written back maps to the same view."""
        self._hold(law.put_get)

    def test_preserve(self) -> None:
        """Merging keeps what is foreign and shows what is mapped."""
        self._hold(law.preserve)

    def test_owned(self) -> None:
        """Nothing is mapped outside the owned paths."""
        self._hold(law.owned)

    def test_deterministic(self) -> None:
        """The same row gives the same bytes."""
        self._hold(law.deterministic)

    def test_valid(self) -> None:
        """What is mapped is valid FHIR."""
        self._hold(law.valid)

    def test_sequence(self) -> None:
        """References lead only to elements that the mapping names."""
        self._hold(law.sequence)

    def test_identity(self) -> None:
        """Different keys give different, safe identifiers."""
        self._hold(law.identity)

    def test_honest_tables(self) -> None:
        """Code tables that lose something are declared lossy."""
        law.honest_tables(self.mapping)

    def test_golden(self) -> None:
        """Signed rows map to exactly the signed resources."""
        law.golden(self.mapping, self.goldens)
