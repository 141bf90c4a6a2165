"""`make simulate`: every scenario in every order, then the broken protocols."""

import argparse
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from medplum_migration.simulation.explore import Report, explore
from medplum_migration.simulation.scenario import Scenario
from tests.simulation.negatives import NEGATIVES
from tests.simulation.scenarios import LARGE, SMALL


def main() -> int:
    """Explore; the last line sums up; exit with 1 on a violation or on a protocol not caught."""
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("--small", action="store_true", help="only what every test run explores")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    scenarios = SMALL if chosen.small else (*SMALL, *LARGE)
    with ProcessPoolExecutor(chosen.jobs, max_tasks_per_child=1) as pool:
        reports = list(_told(pool.map(_timed, scenarios)))
        caught = list(_told(pool.map(_timed, NEGATIVES)))
    states = sum(report.states for report in reports)
    violations = sum(bool(report.violation) for report in reports)
    found = sum(bool(report.violation) for report in caught)
    _say(f"states={states} violations={violations} negatives={found}/{len(NEGATIVES)}")
    return int(violations > 0 or found < len(NEGATIVES))


def _timed(scenario: Scenario) -> tuple[Report, float]:
    started = time.monotonic()
    return explore(scenario), time.monotonic() - started


def _told(results: Iterable[tuple[Report, float]]) -> Iterable[Report]:
    for report, took_s in results:
        whole = "all" if report.complete else "first"
        _say(f"{report.scenario}: {whole} {report.states} states, {took_s:.0f} s")
        if report.violation:
            _say(f"  {report.violation}, after {len(report.trace)} steps:")
            for action in report.trace:
                _say(f"    {action.who}: {action.what}")
        yield report


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
