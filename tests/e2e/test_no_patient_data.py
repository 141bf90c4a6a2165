"""No patient data outside both stores: unmistakable rows, and a search for them."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rich.console import Console

from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.checkpoint import Disposition
from medplum_migration.domain.phase import Phase
from medplum_migration.phases.quarantine import GAVE_UP
from sandbox.aws.deployment import STACK
from sandbox.clinic.database import clinic_engine, write_transaction
from sandbox.clinic.people import people
from sandbox.clinic.schema import PATIENT_DATA, schema
from sandbox.demo.finale import judge
from sandbox.demo.script import Script
from sandbox.demo.stage import ELEMENTS, Stage
from tests.e2e.bundle import ELEMENT, Bundle, wait_until

pytestmark = pytest.mark.e2e

_MARK = "Quibblefax"
_MARKS = (_MARK, "987-65-4329", "987654329", "1907-02-13", "2019-03-10 02:37", "2019-03-10T02:37")
# Keys may stand in queues and tables, and in what an operator asks for, but in no log.
_KEY_MARK = "73419055"
_ROWS: dict[str, dict[str, Any]] = {
    "good": {},
    "sex": {"sex": f"{_MARK}sex"},
    "gap": {"deceased_date": "2019-03-10 02:37:41"},
    "refused": {"lname": f"{_MARK}refused"},
    "down": {},
}
_SPEAKING = {
    "sex": "Male",
    "guardiansex": "Female",
    "ss": "987-65-4329",
    "DOB": "1907-02-13",
    "deceased_date": None,
}


@pytest.fixture
def rows(stage: Stage) -> Iterator[dict[str, str]]:
    """Rows with a mark in every text column; the key of each by its name."""
    table = schema().tables[PATIENT_DATA]
    texts = [column.name for column in table.c if isinstance(column.type, sa.String)]
    persons = islice(people(seed=5), len(_ROWS))
    keys = {name: int(f"{_KEY_MARK}{number:02}") for number, name in enumerate(_ROWS)}
    engine = clinic_engine(stage.clinic)
    with write_transaction(engine) as connection:
        for person, (name, special) in zip(persons, _ROWS.items(), strict=True):
            marks = {column: f"{_MARK}{column}" for column in texts if column not in _TIMES}
            row = {**person, **marks, **_SPEAKING, **special, "pid": keys[name]}
            del row["id"], row["uuid"]
            connection.execute(table.insert().values(row))
    yield {name: str(key) for name, key in keys.items()}
    with write_transaction(engine) as connection:
        connection.execute(table.delete().where(table.c.pid.in_(keys.values())))
    engine.dispose()


_TIMES = {"date", "regdate", "last_updated", "financial_review", "ad_reviewed", "contrastart"}


@pytest.mark.parametrize("mode", ["thin", "full"])
def test_patient_data_stays_where_it_belongs(
    mode: str, stage: Stage, bundle: Bundle, rows: dict[str, str]
) -> None:
    """Success, refusal, outage and quarantine leave no mark; a planted mark is found."""
    _dual_write(bundle, rows, mode)
    _outage(bundle, rows, mode)
    told = _backfill_and_look(stage, bundle)

    assert [] == _marked(_evidence(stage, bundle, told, mode))
    assert [] == _keys_in_logs(stage, bundle)
    with _planted(stage, bundle) as places:
        assert places == _marked(_evidence(stage, bundle, told, "thin"))


def _dual_write(bundle: Bundle, rows: dict[str, str], mode: str) -> None:
    """Apply changes of all rows but one; each ends as its name says."""
    for element in ELEMENTS:
        bundle.set_phase(Phase.DUAL_WRITE, element)
    told = [{"severity": "error", "code": "invariant", "details": {"text": f"{_MARK} is wrong"}}]
    body = {"resourceType": "OperationOutcome", "issue": told}
    bundle.medplum.fault(status=422, times=9, matchBody=f"{_MARK}refused", body=body)
    ends = {
        "good": Disposition.SUCCESSFUL,
        "sex": Disposition.QUARANTINED,
        "gap": Disposition.QUARANTINED,
        "refused": Disposition.REJECTED,
    }

    bundle.send([_event(bundle, rows[name], mode) for name in ends])
    bundle.wait_until_idle()

    found = {name: bundle.wired.manifest.get(ELEMENT, rows[name]) for name in ends}
    assert ends == {name: entry and entry.disposition for name, entry in found.items()}


def _outage(bundle: Bundle, rows: dict[str, str], mode: str) -> None:
    """Let deliveries run out while Medplum is down, and send something unreadable."""
    told = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": f"no {_MARK} now"}]}
    bundle.medplum.fault(status=503, times=100_000, body=told)
    bundle.send([_event(bundle, rows["down"], mode)])
    unreadable = [json.dumps({"element": ELEMENT, "key": "1", "surprise": _MARK})] * (
        mode == "full"
    )
    for body in unreadable:
        bundle.send_text(body)

    def is_over() -> bool:
        entry = bundle.wired.quarantine.get(ELEMENT, rows["down"])
        dead = bundle.messages("EventsDeadLetterQueueUrl")
        return entry is not None and entry.code == GAVE_UP and dead == len(unreadable)

    wait_until(is_over)
    bundle.medplum.reset()


def _backfill_and_look(stage: Stage, bundle: Bundle) -> str:
    """Copy everything beside a writer and a relay; return what an operator is told."""
    told = io.StringIO()
    script = Script(patients=0, seed=1, rate=10, kill_every=0, keep=False, server=None)
    processes = [stage.start_writer(script), stage.start_relay()]
    try:
        bundle.backfill()
        time.sleep(1)
    finally:
        for process in processes:
            process.terminate()
            process.wait(timeout=30)
    bundle.wait_until_idle()
    judge(stage, Console(file=told))
    for command in (["status"], ["quarantine", "list", ELEMENT], ["reconcile", ELEMENT]):
        told.write(_told_by(command))
    return told.getvalue()


def _told_by(command: list[str]) -> str:
    done = subprocess.run(  # noqa: S603 because the arguments are fixed
        [sys.executable, "-m", "medplum_migration.cli", "--stack", STACK, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def _event(bundle: Bundle, key: str, mode: str) -> ChangeEvent:
    [record] = bundle.wired.legacy.read(ELEMENT, [key])
    assert record.row is not None
    return ChangeEvent(
        element=ELEMENT,
        key=key,
        version=record.version,
        operation=Operation.UPSERT,
        image=dict(record.row) if mode == "full" else None,
    )


def _evidence(stage: Stage, bundle: Bundle, told: str, mode: str) -> dict[str, str]:
    """Collect everything that must hold no patient data, by place."""
    places = _logs(stage, bundle)
    for table, item in bundle.items():
        places[table] = places.get(table, "") + json.dumps(item, default=repr)
    if mode == "thin":
        places["dead letters"] = "\n".join(bundle.dead_letters())
    return {**places, "output": told}


def _logs(stage: Stage, bundle: Bundle) -> dict[str, str]:
    written = {name: "\n".join(lines) for name, lines in bundle.logs().items()}
    assert any("CloudWatchMetrics" in text for text in written.values())
    files = {path.name: path.read_text(errors="replace") for path in stage.folder.glob("*.log")}
    assert {"aws.log", "medplum.log", "relay.log", "writer.log"} <= files.keys()
    return {**written, **files}


def _marked(places: dict[str, str]) -> list[str]:
    """Name the places where a mark is."""
    marks = [mark.casefold() for mark in _MARKS]
    return sorted(
        place for place, text in places.items() if any(mark in text.casefold() for mark in marks)
    )


def _keys_in_logs(stage: Stage, bundle: Bundle) -> list[str]:
    return sorted(place for place, text in _logs(stage, bundle).items() if _KEY_MARK in text)


@contextmanager
def _planted(stage: Stage, bundle: Bundle) -> Iterator[list[str]]:
    """Leave a mark in one place of each kind, and name them."""
    table, queue = bundle.outputs["ManifestTable"], bundle.outputs["EventsDeadLetterQueueUrl"]
    function = bundle.outputs["DualWriteFunctionName"]
    item = {"pk": {"S": "planted"}, "sk": {"S": "planted"}, "body": {"S": f"a {_MARK.upper()}"}}
    bundle.aws.client("dynamodb").put_item(TableName=table, Item=item)
    bundle.aws.client("sqs").send_message(QueueUrl=queue, MessageBody=f"no event: {_MARK}")
    log = bundle.aws.client("logs")
    stream = {"logGroupName": f"/aws/lambda/{function}", "logStreamName": "planted"}
    log.create_log_stream(**stream)
    line = {"timestamp": int(time.time() * 1000), "message": "born 1907-02-13"}
    log.put_log_events(**stream, logEvents=[line])
    file = Path(stage.folder, "planted.log")
    file.write_text("ss=987654329")
    yield sorted(["dead letters", file.name, function, table])
    file.unlink()
    log.delete_log_stream(**stream)
