"""The finale: drain what is under way, compare both sides, close the balance."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from rich.console import Console
from sqlalchemy import text

from legacy_store import sources
from medplum_migration.domain.checkpoint import Balance
from medplum_migration.phases.quarantine import GAVE_UP
from medplum_migration.verification.balance import balance_of
from medplum_migration.verification.reconcile import Reconciliation
from sandbox.clinic.database import clinic_engine
from sandbox.demo.stage import ELEMENTS, Stage
from sandbox.demo.view import Camera, Patience

_KEYS = (
    "SELECT {key} FROM {table} UNION"
    " SELECT CAST(record_key AS INTEGER) FROM medplum_version WHERE element = '{element}'"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether both sides are equal, and the line that says so."""

    holds: bool
    line: str


def drain(stage: Stage, camera: Camera, console: Console) -> None:
    """Wait until no event is under way; replay what only a killed worker kept from arriving.

    Raises:
        StalledError: the number of events under way did not change for five minutes.

    """
    steer, quarantine = stage.wired.steer_quarantine, stage.wired.quarantine
    while True:
        _wait_until_empty(camera)
        every = chain.from_iterable(map(quarantine.entries, ELEMENTS))
        lost = [entry for entry in every if entry.code == GAVE_UP]
        if not lost:
            return
        console.print(f"Quarantine: replaying {len(lost)} events whose deliveries were used up")
        steer.replay(lost)


def _wait_until_empty(camera: Camera) -> None:
    patience, quiet = Patience(), 0
    while quiet < 3:  # noqa: PLR2004 because queue counts are approximate: look thrice
        waiting = camera.waiting()
        quiet = quiet + 1 if waiting == 0 else 0
        patience.look(waiting, f"{waiting} events")
        time.sleep(0.5)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found of one element."""

    element: str
    found: Reconciliation
    balance: Balance


def judge(stage: Stage, console: Console) -> Verdict:
    """Compare every record by identifier and field, and close the balances."""
    console.print("Comparing every record and field of both sides")
    compared = [_compare(stage, element) for element in ELEMENTS]
    for one in compared:
        findings = (f"{number} {name.value}" for name, number in sorted(one.found.findings.items()))
        console.print(f"{one.element}: {', '.join(findings)}", highlight=False)
        console.print(f"  {one.balance}", highlight=False)
        for difference in one.found.differences[:20]:
            paths = ", ".join(difference.paths)
            console.print(f"  {difference.finding.value}: {paths}", highlight=False, soft_wrap=True)
    return _verdict(compared)


def _compare(stage: Stage, element: str) -> Comparison:
    source = sources()[element]
    keys = text(_KEYS.format(table=source.table, key=source.keys[0], element=element))
    engine = clinic_engine(stage.clinic)
    with engine.connect() as connection:
        eligible = len(connection.execute(keys).all())
    engine.dispose()
    found = stage.wired.reconcile(element)()
    balance = balance_of(element, stage.wired.manifest, eligible=eligible)
    return Comparison(element, found, balance)


def _verdict(compared: Sequence[Comparison]) -> Verdict:
    records = " ".join(f"{one.element}={one.found.records}" for one in compared)
    line = f"{records} resources={sum(one.found.resources for one in compared)} differences="
    still_open = sum(abs(one.balance.open) for one in compared)
    if still_open == 0 and all(one.found.is_equal for one in compared):
        return Verdict(holds=True, line=f"EQUAL {line}0")
    wrong = sum(
        len(one.found.differences)
        + sum(n for finding, n in one.found.findings.items() if finding.value == "lagging")
        for one in compared
    )
    return Verdict(holds=False, line=f"DIFFERENT {line}{wrong} open={still_open}")
