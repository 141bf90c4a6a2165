"""Telemetry through Powertools: log lines and embedded metrics, as JSON."""

import io
import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics

from medplum_migration.adapters.powertools_telemetry import PowertoolsTelemetry


def _telemetry(stream: io.StringIO) -> PowertoolsTelemetry:
    # Powertools shares loggers of one name, streams included.
    logger = Logger(service=f"migration-{id(stream)}", stream=stream)
    return PowertoolsTelemetry(logger, Metrics(namespace="Migration", service="migration"))


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_events_and_problems() -> None:
    """Both are one log line with a name and fields; a problem is a warning."""
    stream = io.StringIO()
    telemetry = _telemetry(stream)
    telemetry.event("dual_write.applied", element="patients", records=3)
    telemetry.problem("backfill.lease_lost", element="patients")
    event, problem = _lines(stream)
    assert ("INFO", "dual_write.applied", "patients", 3) == (
        event["level"],
        event["message"],
        event["element"],
        event["records"],
    )
    assert ("WARNING", "backfill.lease_lost") == (problem["level"], problem["message"])


def test_fields_named_like_a_log_record_s_own() -> None:
    """A field may have any name: logging never breaks the work."""
    stream = io.StringIO()
    _telemetry(stream).event("phase.done", name="x", args=1, message="y", module="z")
    (line,) = _lines(stream)
    assert ("phase.done", "x", 1, "y", "z") == (
        line["message"],
        line["name_"],
        line["args_"],
        line["message_"],
        line["module_"],
    )


def test_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Each count is a metric under its own dimensions; those of one never stick to another."""
    telemetry = _telemetry(io.StringIO())
    telemetry.count("RecordsApplied", 3, element="patients")
    telemetry.count("QueueDelay", 1.5)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert ([3.0], "patients", "migration") == (
        first["RecordsApplied"],
        first["element"],
        first["service"],
    )
    assert "Migration" == first["_aws"]["CloudWatchMetrics"][0]["Namespace"]
    assert [["service"]] == second["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
