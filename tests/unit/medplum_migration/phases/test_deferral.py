"""Counting work that did not end well: by error code, and by the store that caused it."""

import pytest

from medplum_migration.adapters.memory import MemoryTelemetry
from medplum_migration.domain.errors import (
    ConfigurationError,
    ConflictError,
    EventError,
    MigrationError,
    ThrottledError,
    UnansweredError,
    UnavailableError,
    VersionBehindError,
)
from medplum_migration.phases.deferral import count_deferred, count_held_back, store_of


def test_what_comes_again_is_counted_by_cause() -> None:
    """Errors of one code and store are one count, whichever function meets them."""
    telemetry = MemoryTelemetry()
    away = UnavailableError("away", service="medplum")

    count_deferred(telemetry, [away, away, UnavailableError("gone", service="dynamodb")])

    assert [
        ("WorkDeferred", 2, {"service": "any", "code": "Unavailable", "store": "medplum"}),
        ("WorkDeferred", 1, {"service": "any", "code": "Unavailable", "store": "dynamodb"}),
    ] == telemetry.counts


def test_what_is_held_back_is_counted_by_code() -> None:
    """Each code has a count of its own; nothing held back is no count at all."""
    telemetry = MemoryTelemetry()

    count_held_back(telemetry, ["Mapping", "Identity", "Mapping"])
    count_held_back(telemetry, [])

    assert [
        ("RecordsHeldBack", 2, {"service": "any", "code": "Mapping"}),
        ("RecordsHeldBack", 1, {"service": "any", "code": "Identity"}),
    ] == telemetry.counts


@pytest.mark.parametrize(
    ("store", "error"),
    [
        ("dynamodb", ConfigurationError("refused", service="dynamodb")),
        ("medplum", ThrottledError("full", retry_after_s=1)),
        ("medplum", UnansweredError("lost")),
        ("medplum", ConflictError("slower")),
        ("sqs", EventError("unreadable")),
        ("legacy", VersionBehindError("behind")),
        ("legacy", UnavailableError("a fork's own store did not answer")),
        ("legacy", ConfigurationError("a column is gone", element="patients")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.code,
)
def test_an_error_without_a_service_is_told_by_its_kind(store: str, error: MigrationError) -> None:
    """Adapters of ours name their service; a fork's legacy store need not."""
    assert store == store_of(error)
