"""`capture`: what it prints for a DBA, what it refuses, and the relay as a process."""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from medplum_migration.runtime.aws import aws_client
from tests.unit.medplum_migration.cli.command import run

pytestmark = pytest.mark.usefixtures("clinic")

UPDATE = "UPDATE patient_data SET fname = 'x' WHERE id <= {}"


def execute(path: Path, statement: str) -> None:
    """Execute a statement as the clinic does."""
    with closing(sqlite3.connect(path / "clinic.db")) as connection:
        connection.executescript(statement)
        connection.commit()


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make a queue, and no other place for control data."""
    monkeypatch.delenv("MEDPLUM_MIGRATE_LOCAL")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws_client.cache_clear()
    with mock_aws():
        url = boto3.client("sqs").create_queue(QueueName="events")["QueueUrl"]
        monkeypatch.setenv("EVENTS_QUEUE_URL", url)
        yield url
    aws_client.cache_clear()


def arrived(url: str) -> int:
    """Count what is in the queue."""
    names = ["ApproximateNumberOfMessages"]
    told = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)  # type: ignore[arg-type]
    return int(told["Attributes"]["ApproximateNumberOfMessages"])


def test_what_was_printed_can_be_run_by_a_dba(tmp_path: Path) -> None:
    """The statements of a dry run, run by hand, are the installation."""
    assert 0 == run("capture", "remove", "--drop-tables", "--execute").code
    printed = run("capture", "install").out
    statements, _, told = printed.rpartition("Dry run: ")
    assert told.startswith("would execute these ")
    assert 1 == run("capture", "status").code
    execute(tmp_path, statements)
    assert 0 == run("capture", "status").code
    assert "Nothing to do.\n" == run("capture", "install", "--execute").out


def test_drift_is_told_by_name(tmp_path: Path) -> None:
    """A trigger that somebody dropped is named, in text and in JSON."""
    execute(tmp_path, "DROP TRIGGER medplum_record_delete_patients")
    done = run("capture", "status", "patients")
    assert 1 == done.code
    assert "patients: drifted" in done.out
    assert "  missing: medplum_record_delete_patients\n" in done.out
    told = run("capture", "status", "patients", "--json").json
    assert ["medplum_record_delete_patients"] == told["patients"]["missing"]


def test_lag_is_told(tmp_path: Path) -> None:
    """What waits is counted, with the age of the oldest."""
    execute(tmp_path, UPDATE.format(3))
    told = run("capture", "status", "patients").out
    assert "3 records captured, last 0 s ago; 3 changes wait, the oldest for 0 s" in told


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("install", "nobody"), "no legacy source for this element"),
        (("remove", "patients", "--drop-tables"), "the tables serve all elements"),
        (("relay",), "events need a queue"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], reason: str) -> None:
    """Unknown elements, tables that others need, and a relay without a queue."""
    done = run("capture", *arguments)
    assert 3 == done.code
    assert reason in done.err


def test_a_backfill_needs_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    """While triggers are missing a backfill is refused, unless somebody says why."""
    monkeypatch.delenv("MEDPLUM_BASE_URL")  # beginning is enough
    for element, phase in (
        ("practitioners", "dual_write"),
        ("patients", "dual_write"),
        ("patients", "backfill"),
    ):
        assert 0 == run("phase", "set", element, phase, "--execute").code
    assert 0 == run("capture", "remove", "patients", "--execute").code
    start = ("backfill", "start", "patients", "--execute")
    refused = run(*start)
    assert 3 == refused.code
    assert "changes are not captured" in refused.err
    done = run(*start, "--without-capture", "the store is frozen")
    assert "patients: capture is not looked at, because the store is frozen" in done.err
    assert "run " in done.out


def test_the_relay_empties_the_outbox(tmp_path: Path, queue: str) -> None:
    """A dry run tells what waits; then it is published, once."""
    execute(tmp_path, UPDATE.format(12))
    assert "Dry run: would publish 12 changes" in run("capture", "relay").out
    assert 0 == arrived(queue)
    assert "12 changes published\n" == run("capture", "relay", "--execute").out
    assert "0 changes published\n" == run("capture", "relay", "--execute").out
    assert 12 == arrived(queue)


def test_the_relay_stays_until_it_is_stopped(tmp_path: Path, queue: str) -> None:
    """Changes that come later are published too; SIGTERM ends it in peace, outages do not."""

    def work() -> None:
        execute(tmp_path, UPDATE.format(2))
        _until(lambda: arrived(queue) == 2)
        execute(tmp_path, "ALTER TABLE medplum_outbox RENAME TO gone")
        time.sleep(0.1)
        execute(tmp_path, "ALTER TABLE gone RENAME TO medplum_outbox")
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    other = threading.Thread(target=work)
    other.start()
    done = run("capture", "relay", "--until-stopped", "--execute")
    other.join()
    assert (0, "2 changes published\n") == (done.code, done.out)
    assert before == signal.getsignal(signal.SIGTERM)


def _until(holds: object) -> None:
    assert callable(holds)
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
