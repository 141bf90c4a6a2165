"""Wiring: which adapters stand behind the ports, and that every phase can be made."""

from pathlib import Path
from typing import Any

import pytest

from medplum_migration.adapters.dynamodb_table import DynamoDbTable
from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.adapters.local_queue import LocalQueue
from medplum_migration.adapters.medplum_http import MedplumHttp
from medplum_migration.adapters.memory import MemoryTelemetry
from medplum_migration.adapters.powertools_telemetry import PowertoolsTelemetry
from medplum_migration.adapters.sqlite_table import SqliteTable
from medplum_migration.adapters.sqs_queue import SqsQueue
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.runtime.settings import read_settings
from medplum_migration.runtime.wiring import Wiring, wiring

SERVICES: dict[str, Any] = {
    "medplum_base_url": "http://127.0.0.1:1/",
    "medplum_client_id": "id",
    "medplum_client_secret": "s",
    "legacy_dsn": "sqlite://",
    "hash_key": "k",
}
TABLES: dict[str, Any] = {
    "control_table": "control",
    "manifest_table": "manifest",
    "events_queue_url": "https://sqs.eu-central-1.amazonaws.com/1/events",
    "chunks_queue_url": "https://sqs.eu-central-1.amazonaws.com/1/chunks",
}
PHASES = (
    "dual_write",
    "backfill",
    "schedule_work",
    "dead_letters",
    "steer_backfill",
    "steer_quarantine",
)


def local(tmp_path: Path) -> Wiring:
    """Wire a run without AWS."""
    settings = read_settings(**SERVICES, state_path=tmp_path / "state.db")
    return Wiring(settings, MemoryTelemetry())


def test_a_local_run_stays_on_the_machine(tmp_path: Path) -> None:
    """With a state file, tables are SQLite's and queues live in the process; no AWS is touched."""
    wired = local(tmp_path)

    assert isinstance(wired._table("control_table"), SqliteTable)  # noqa: SLF001 because it is the decision
    assert isinstance(wired.tasks, LocalQueue)
    assert wired.events is wired.local_events
    assert isinstance(wired.fhir, MedplumHttp)
    assert isinstance(wired.legacy, SqlLegacyStore)


def test_a_deployed_stack_uses_aws(aws: None) -> None:
    """Without a state file, tables are DynamoDB's and queues SQS's."""
    assert aws is None
    wired = Wiring(read_settings(**SERVICES, **TABLES), MemoryTelemetry())

    assert isinstance(wired._table("control_table"), DynamoDbTable)  # noqa: SLF001 because it is the decision
    assert isinstance(wired.tasks, SqsQueue)
    assert isinstance(wired.events, SqsQueue)


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_can_be_made_on_aws(phase: str, aws: None) -> None:
    """Making a phase needs settings only: nothing is asked of a service yet."""
    assert aws is None
    wired = Wiring(read_settings(**SERVICES, **TABLES), MemoryTelemetry())

    assert getattr(wired, phase) is getattr(wired, phase)


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_can_be_made_locally(phase: str, tmp_path: Path) -> None:
    """The same phases run on a laptop."""
    assert getattr(local(tmp_path), phase)


def test_reconciliation_can_be_made(tmp_path: Path) -> None:
    """One per element."""
    assert "patients" == local(tmp_path).reconcile("patients").mapping.element


@pytest.mark.parametrize("setting", sorted(TABLES))
def test_a_missing_place_is_named(setting: str, aws: None) -> None:
    """Neither a stack nor a file: the first setting that is missing is told."""
    assert aws is None
    wired = Wiring(read_settings(**SERVICES, **(TABLES | {setting: ""})), MemoryTelemetry())

    with pytest.raises(ConfigurationError, match=setting.upper()):
        _ = [getattr(wired, phase) for phase in PHASES]


def test_a_machine_without_a_region_is_told() -> None:
    """boto3's own complaint becomes a setting to mend."""
    wired = Wiring(read_settings(**SERVICES, **TABLES), MemoryTelemetry())

    with pytest.raises(ConfigurationError, match="set a region"):
        _ = wired.checkpoints


def test_a_function_is_wired_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All invocations of one function share what was made, and log through Powertools."""
    monkeypatch.setenv("SOURCE_NAME", "clinic")
    wiring.cache_clear()

    assert wiring() is wiring()
    assert "clinic" == wiring().settings.source_name
    assert isinstance(wiring().telemetry, PowertoolsTelemetry)
    wiring.cache_clear()
