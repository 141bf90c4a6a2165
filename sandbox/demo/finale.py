"""The finale: drain what is under way, compare both sides, close the balance."""

import time
from dataclasses import dataclass

from rich.console import Console
from sqlalchemy import text

from medplum_migration.domain.checkpoint import Balance
from medplum_migration.phases.quarantine import GAVE_UP
from medplum_migration.verification.balance import balance_of
from medplum_migration.verification.reconcile import Reconciliation
from sandbox.clinic.database import clinic_engine
from sandbox.demo.stage import ELEMENT, Stage
from sandbox.demo.view import Camera, Patience

_KEYS = "SELECT pid FROM patient_data UNION SELECT CAST(record_key AS INTEGER) FROM medplum_outbox"


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
        lost = [entry for entry in quarantine.entries(ELEMENT) if entry.code == GAVE_UP]
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


def judge(stage: Stage, console: Console) -> Verdict:
    """Compare every record by identifier and field, and close the balance."""
    console.print("Comparing every record and field of both sides")
    found = stage.wired.reconcile(ELEMENT)()
    engine = clinic_engine(stage.clinic)
    with engine.connect() as connection:
        eligible = len(connection.execute(text(_KEYS)).all())
    engine.dispose()
    balance = balance_of(ELEMENT, stage.wired.manifest, eligible=eligible)
    console.print(f"Balance: {balance}", highlight=False, soft_wrap=True)
    for finding, number in sorted(found.findings.items()):
        console.print(f"  {number} {finding.value}", highlight=False)
    for difference in found.differences[:20]:
        paths = ", ".join(difference.paths)
        console.print(f"  {difference.finding.value}: {paths}", highlight=False, soft_wrap=True)
    return _verdict(found, balance)


def _verdict(found: Reconciliation, balance: Balance) -> Verdict:
    holds = found.is_equal and balance.open == 0
    line = f"patients={found.records} resources={found.resources} differences="
    if holds:
        return Verdict(holds=True, line=f"EQUAL {line}0")
    wrong = len(found.differences) + sum(
        number for finding, number in found.findings.items() if finding.value == "lagging"
    )
    return Verdict(holds=False, line=f"DIFFERENT {line}{wrong} open={balance.open}")
