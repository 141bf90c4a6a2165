"""Writers as processes, with relays: they work, stop when told, and end with their parent."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest
import sqlalchemy as sa

from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.domain.change_event import ChangeEvent, fold
from medplum_migration.mapping.source import Source
from sandbox.clinic.database import clinic_engine, create_clinic, write_transaction
from sandbox.clinic.people import oddity
from sandbox.clinic.schema import PATIENT_DATA, schema
from sandbox.clinic.writer import Writer
from tests.relaying import relay_of

pytestmark = pytest.mark.integration

Start: TypeAlias = "Callable[[Sequence[str]], subprocess.Popen[str]]"

SOURCES = {
    "patients": Source("patient_data", ("pid",)),
    "practitioners": Source("users", ("id",)),
}
_ROOT = Path(__file__).parents[3]


def command(module: str, *arguments: str) -> list[str]:
    """Spell out a process's command line."""
    return [sys.executable, "-m", f"sandbox.clinic.{module}", *arguments]


@pytest.fixture
def start() -> Iterator[Start]:
    """Offer to start processes at the project's root; kill and collect what is left of them."""
    environment = os.environ | {"PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'shared'}"}
    pipe = subprocess.PIPE
    with ExitStack() as started:

        def begin(arguments: Sequence[str]) -> "subprocess.Popen[str]":
            process = subprocess.Popen(  # noqa: S603 because the arguments are fixed
                arguments, cwd=_ROOT, env=environment, stdout=pipe, stderr=pipe, text=True
            )
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield begin


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something holds, for at most half a minute."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def changes(engine: sa.Engine) -> int:
    """Count captured changes that are not published yet."""
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM medplum_outbox").scalar_one())


def test_writers_and_relays_at_once(clinic_url: str, clinic: sa.Engine, start: Start) -> None:
    """The last event of each record has the record's version, whatever ran at the same time."""
    until_stopped = ("--dsn", clinic_url, "--until-stopped")
    writers = [start(command("writer", *until_stopped, "--rate", "60", "--seed", s)) for s in "12"]
    events: list[ChangeEvent] = []
    relays = [relay_of(clinic, events.extend, batch=size) for size in (7, 20)]
    with write_transaction(clinic) as connection:
        connection.exec_driver_sql("UPDATE users SET fax = '413-555-0101' WHERE id = 1")
    with ThreadPoolExecutor() as pool:
        until = time.time() + 4
        counted = [pool.submit(relay, deadline=until) for relay in relays]
        assert all(number.result() for number in counted)
    stats = []
    for writer in writers:
        writer.send_signal(signal.SIGTERM)
        stats.append(json.loads(writer.communicate(timeout=30)[0]))
    relays[0].drain()
    store = SqlLegacyStore(clinic, SOURCES)
    for element in SOURCES:
        newest = {event.key: event for event in fold(events) if event.element == element}
        held = {r.key: (r.version, r.row is None) for r in store.read(element, list(newest))}
        assert held == {key: told(event) for key, event in newest.items()} != {}
    assert 0 == changes(clinic)
    assert sum(s["transactions"] for s in stats) > 50
    assert [0, 0] == [writer.returncode for writer in writers]


def told(event: ChangeEvent) -> tuple[int, bool]:
    """Reduce an event to its version and whether it deletes."""
    return event.version, event.operation == "delete"


def test_processes_end_with_their_parent(tmp_path: Path, start: Start) -> None:
    """A writer whose parent was killed stops by itself."""
    path = str(tmp_path / "clinic.db")
    create_clinic(path, patients=10, seed=4)
    writer = command("writer", "--dsn", path, "--until-stopped", "--rate", "5")
    code = (
        "import pathlib, subprocess, sys, time; child = subprocess.Popen(sys.argv[2:]);"
        " pathlib.Path(sys.argv[1]).write_text(str(child.pid)); time.sleep(60)"
    )
    noted = tmp_path / "pid"
    parent = start([sys.executable, "-c", code, str(noted), *writer])
    wait_for(lambda: noted.exists() and noted.read_text())
    time.sleep(2)  # the writer must have learnt who its parent is
    child = int(noted.read_text())
    assert alive(child)
    parent.kill()
    parent.communicate(timeout=30)
    wait_for(lambda: not alive(child))


def test_the_same_seed_makes_the_same_changes(tmp_path: Path) -> None:
    """Two clinics and writers with the same seeds end with the same records and versions."""
    ends = []
    for name in ("one.db", "two.db"):
        path = str(tmp_path / name)
        create_clinic(path, patients=50, seed=4)
        engine = clinic_engine(path)
        writer = Writer(engine, seed=1)
        steps = [writer.step() for _ in range(150)]
        store = SqlLegacyStore(engine, SOURCES)
        page = [r for e in SOURCES for r in store.page(e, after=None, upto=None, limit=999)]
        engine.dispose()
        rows = [dict(r.row or {}, last_updated=None) for r in page]
        ends.append((steps, writer.done, [(r.key, r.version) for r in page], rows))
    assert ends[0] == ends[1]


def test_the_writer_repairs_odd_rows(clinic: sa.Engine) -> None:
    """In the long run rows that were meant to be quarantined are repaired."""
    writer = Writer(clinic, seed=1, odd_share=0)
    for _ in range(1000):
        writer.step()
        if writer.done["fix"] > 15:
            break
    with clinic.connect() as connection:
        rows = connection.execute(sa.select(schema().tables[PATIENT_DATA])).mappings().all()
    assert set() == {oddity(dict(row)) for row in rows} - {""}
    assert {"update", "insert", "delete", "fix", "transactions"} <= set(writer.done)
