"""`plan`: order, estimate and the page to fill in."""

from pathlib import Path

import pytest

from medplum_migration.cli.plan import duration
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.ports.legacy import LegacyStore
from tests.unit.medplum_migration.cli import fork
from tests.unit.medplum_migration.cli.command import run

FORK = "tests.unit.medplum_migration.cli.fork"
ROOT = Path(__file__).parents[4]
TEMPLATE = ROOT / "shared" / "medplum_migration" / "cli" / "planning.md"


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work on the small fork in memory."""
    monkeypatch.setenv("ELEMENTS", FORK)
    monkeypatch.setenv("LEGACY_STORE", FORK)
    monkeypatch.setenv("LEGACY_DSN", "narrow")


def test_the_order_and_the_estimate() -> None:
    """Parents first, by number; records counted, points and time estimated."""
    done = run("plan")
    lines = [line.split() for line in done.out.splitlines()]

    assert 0 == done.code
    assert ["1", "clinics", "Organization", "-", "3", "1.00", "380", "42%", "0", "s", "$0.00"] == (
        lines[1]
    )
    assert ["2", "people", "Patient", "1", "5", "0.80", "520", "58%"] == lines[2][:8]
    assert ["3", "visits", "Observation", "2", "0", "-", "0"] == lines[3][:7]
    assert "all" == lines[4][0]
    assert "people: 1 of 5 sampled records cannot be mapped; `check --sample` says why.\n" in (
        done.err
    )
    assert "marked" not in done.both


def test_without_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--sample 0` needs no setting at all."""
    monkeypatch.delenv("LEGACY_DSN")
    done = run("plan", "--sample", "0")

    assert 0 == done.code
    assert ["2", "people", "Patient", "1"] == done.out.splitlines()[2].split()
    assert "" == done.err


def test_every_line_fits_a_terminal() -> None:
    """A hundred columns are enough."""
    done = run("plan")

    assert [] == [line for line in done.both.splitlines() if len(line) > 100]


def test_a_higher_quota_takes_less_time() -> None:
    """`--quota` changes time, and nothing else."""
    slow, fast = (run("plan", "--quota", quota, "--json").json for quota in ("100", "1000"))

    assert slow["total"]["points"] == fast["total"]["points"]
    assert slow["total"]["seconds"] == round(slow["total"]["points"] * 60 / 100)
    assert 10 == round(slow["total"]["seconds"] / fast["total"]["seconds"])


def test_for_programs() -> None:
    """Each element has its place, what it needs, and what it takes."""
    told = run("plan", "--json").json
    people = told["elements"][1]

    assert ("people", 2, ["clinics"], 5, 5, 1) == tuple(
        people[name]
        for name in ("element", "order", "after", "records", "sampled", "quarantined_in_sample")
    )
    assert (0.8, 0.8) == (people["resources_per_record"], people["references_per_record"])
    assert {"as_of", "region", "currency"} == set(told["prices"])


def test_the_planning_page() -> None:
    """Markdown has the table and asks the questions."""
    done = run("plan", "--markdown")

    assert 0 == done.code
    assert "| 2 | people | Patient | 1 | 5 | 0.80 |" in done.out
    assert "## Rollback" in done.out
    assert "{order}" not in done.out


def test_the_planning_page_without_a_store() -> None:
    """The table has the order only."""
    assert "| 2 | people | Patient | 1 |\n" in run("plan", "--markdown", "--sample", "0").out


def test_the_page_in_the_docs_is_the_one_that_is_printed() -> None:
    """But for the table."""
    before, after = TEMPLATE.read_text().split("{order}")
    page = (ROOT / "docs" / "planning.md").read_text()

    assert page.startswith(before)
    assert page.endswith(after)


def test_a_parent_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """3: its children would all be quarantined."""
    monkeypatch.setattr(fork, "MAPPINGS", (fork.people, fork.visits))
    done = run("plan", "--sample", "0")

    assert 3 == done.code
    assert "not in MAPPINGS (element=people, parent=clinics)\n" in done.err


def test_a_table_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """1: the other elements are planned all the same."""

    class Bare(fork.Wide):
        def count(self, element: str) -> int:
            """Fail for one element."""
            if element == "visits":
                reason = "the legacy table is missing"
                raise ConfigurationError(reason, element=element)
            return super().count(element)

    def bare(_dsn: str) -> LegacyStore:
        return Bare()

    monkeypatch.setattr(fork, "open_store", bare)
    done = run("plan")

    assert 1 == done.code
    assert "visits: the legacy table is missing" in done.err
    assert ["3", "visits", "Observation", "2", "-"] == done.out.splitlines()[3].split()[:5]
    assert "the legacy table is missing" in run("plan", "--json").json["elements"][2]["trouble"]


def test_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    """3: it is named."""
    monkeypatch.setattr(fork.ClinicMapping, "refers_to", (fork.visits,))
    done = run("plan", "--sample", "0")

    assert 3 == done.code
    assert "circle" in done.err
    assert "people -> clinics" in done.err


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")],
)
def test_durations(seconds: float, told: str) -> None:
    """The largest unit of which there are two."""
    assert told == duration(seconds)
