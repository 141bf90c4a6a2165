"""Capture and relay as settings wire them, and the function around the relay."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from pydantic import SecretStr

from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.memory import MemoryTelemetry
from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.runtime import capturing
from medplum_migration.runtime.settings import read_settings
from medplum_migration.runtime.wiring import Wiring
from sandbox.clinic.database import create_clinic, write_transaction

ROOT = Path(__file__).parents[4]
EVENT = ChangeEvent(element="patients", key="1", version=1, operation=Operation.UPSERT)


@pytest.fixture
def wired(tmp_path: Path) -> Iterator[Wiring]:
    """Wire a clinic in which one change waits, with a queue in this process."""
    dsn = f"sqlite:///{tmp_path / 'clinic.db'}"
    create_clinic(tmp_path / "clinic.db", patients=3, seed=1)
    engine = snapshot_engine(dsn)
    with write_transaction(engine) as connection:
        columns = "medplum_outbox (element, record_key, operation)"
        connection.exec_driver_sql(f"INSERT INTO {columns} VALUES ('patients', '1', 'upsert')")  # noqa: S608 because names are ours
    engine.dispose()
    settings = read_settings(state_path=tmp_path / "state.db", legacy_dsn=SecretStr(dsn))
    made = Wiring(settings, MemoryTelemetry())
    yield made
    made.close()


def test_the_relay_publishes_to_the_queue_of_events(wired: Wiring) -> None:
    """Outbox and queue are those of the settings; the relay is made once."""
    relay = capturing.relay_changes(wired)
    assert relay is capturing.relay_changes(wired)
    assert 1 == relay.drain()
    assert EVENT == wired.local_events.take()


def test_the_function_works_until_its_deadline(
    wired: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tick publishes what waits, and answers with how much it was."""
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
    app = _load(ROOT / "functions" / "relay_changes" / "app.py")
    monkeypatch.setattr(app, "wiring", lambda: wired)
    context = SimpleNamespace(
        get_remaining_time_in_millis=lambda: 5_200,
        function_name="relay",
        memory_limit_in_mb=256,
        invoked_function_arn="arn",
        aws_request_id="1",
    )
    assert {"changes": 1} == app.handler({}, context)
    assert EVENT == wired.local_events.take()


def test_capture_is_opened_by_a_user_of_its_own(wired: Wiring, tmp_path: Path) -> None:
    """`CAPTURE_DSN` comes before `LEGACY_DSN`."""
    assert "installed" == capturing.capture(wired).status(["patients"])[0].state
    create_clinic(tmp_path / "other.db", patients=1, seed=1)
    other = SecretStr(f"sqlite:///{tmp_path / 'other.db'}")
    settings = wired.settings.model_copy(update={"capture_dsn": other})
    privileged = Wiring(settings, MemoryTelemetry())
    assert 0 == capturing.capture(privileged).status(["patients"])[0].waiting
    privileged.close()


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("relay_changes_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
