"""The bundle, really built and really deployed: what the stack says is there is there."""

import json
import time
from collections.abc import Callable

import pytest

from sandbox.aws.deployment import create_secret, deploy
from sandbox.aws.ministack import MiniStack
from sandbox.aws.observation import function_processes, logs

pytestmark = [pytest.mark.integration, pytest.mark.e2e]


@pytest.fixture(scope="module")
def outputs(stack: MiniStack) -> dict[str, str]:
    """The outputs of the deployed stack."""
    medplum = {"client_id": "made-up", "client_secret": "made-up"}
    return deploy(
        stack,
        {
            "MedplumBaseUrl": "http://127.0.0.1:9/",
            "MedplumSecretArn": create_secret(stack, "medplum", medplum),
            "LegacySecretArn": create_secret(stack, "legacy", {"dsn": "sqlite://"}),
        },
    )


def test_every_trigger_is_there(stack: MiniStack, outputs: dict[str, str]) -> None:
    """Four queues feed functions with their limits; two rules fire each minute, one if asked."""
    mappings = stack.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    rules = stack.client("events").list_rules()["Rules"]
    fed = sorted(m["FunctionArn"].rpartition(":")[2] for m in mappings)

    quarantine = outputs["QuarantineFunctionName"]
    assert fed == sorted(
        [outputs["DualWriteFunctionName"], outputs["BackfillFunctionName"], quarantine, quarantine]
    )
    assert {2, 10} == {
        m["ScalingConfig"]["MaximumConcurrency"] for m in mappings if "Scaling" in str(m)
    }
    states = [(rule["ScheduleExpression"], rule["State"]) for rule in rules]
    assert [("rate(1 minute)", "DISABLED"), ("rate(1 minute)", "ENABLED")] == sorted(states)


def test_a_change_reaches_the_function(stack: MiniStack, outputs: dict[str, str]) -> None:
    """A message in the queue wakes the function, which is allowed what it needs."""
    change = {"element": "patients", "key": "1", "version": 1, "operation": "upsert"}
    sqs = stack.client("sqs")
    sqs.send_message(QueueUrl=outputs["EventsQueueUrl"], MessageBody=json.dumps(change))
    function = outputs["DualWriteFunctionName"]

    _wait(lambda: any(line.startswith("REPORT") for line in logs(stack, function)))

    assert "EventsIgnored" in "".join(logs(stack, function))
    assert 1 == len(function_processes(stack, function))


def test_a_role_gives_no_more_than_its_function_needs(
    stack: MiniStack, outputs: dict[str, str]
) -> None:
    """The scheduler's role may not read Medplum's secret."""
    allowed = stack.client("iam").simulate_principal_policy(
        PolicySourceArn=stack.client("lambda").get_function_configuration(
            FunctionName=outputs["ScheduleWorkFunctionName"]
        )["Role"],
        ActionNames=["secretsmanager:GetSecretValue"],
        ResourceArns=[stack.client("secretsmanager").describe_secret(SecretId="medplum")["ARN"]],
    )["EvaluationResults"]

    assert ["implicitDeny"] == [result["EvalDecision"] for result in allowed]


def _wait(condition: Callable[[], bool], *, at_most_s: float = 60) -> None:
    deadline = time.monotonic() + at_most_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)
