"""A deployed alarm looks at just what a deployed function counts."""

import json
from typing import Any

import pytest

from sandbox.aws.observation import logs
from tests.e2e.bundle import Bundle, wait_until

pytestmark = pytest.mark.e2e


def test_what_a_function_counts_is_what_its_alarm_looks_at(bundle: Bundle) -> None:
    """A message that nobody can read is counted where `messages-refused` looks, by any function."""
    bundle.send_text("not an event")
    wait_until(lambda: bool(_counts(bundle)))

    [alarm] = bundle.aws.client("cloudwatch").describe_alarms(
        AlarmNames=["medplum-migration-messages-refused"]
    )["MetricAlarms"]
    looked_at = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
    count = _counts(bundle)[0]
    [told] = count["_aws"]["CloudWatchMetrics"]

    assert (alarm["Namespace"], [sorted(looked_at)]) == (
        told["Namespace"],
        [sorted(names) for names in told["Dimensions"]],
    )
    assert looked_at == {name: count[name] for name in looked_at}
    assert count[alarm["MetricName"]] >= [alarm["Threshold"]]


def _counts(bundle: Bundle) -> list[dict[str, Any]]:
    lines = logs(bundle.aws, bundle.outputs["DualWriteFunctionName"])
    return [json.loads(line) for line in lines if '"WorkDeferred"' in line]
