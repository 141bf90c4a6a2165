"""The deployed roles are enough, which every other test shows, and no more, which these do."""

import pytest

from tests.e2e.bundle import Bundle

pytestmark = pytest.mark.e2e

_ALLOWED = {
    "DualWrite": {
        "medplum",
        "legacy",
        "read events",
        "read control",
        "read manifest",
        "write manifest",
    },
    "RelayChanges": {"legacy", "send events"},
    "ScheduleWork": {
        *("legacy", "send chunks", "send events"),
        *("read control", "write control", "read manifest"),
    },
    "Backfill": {
        *("medplum", "legacy", "send chunks", "read chunks"),
        *("read control", "write control", "read manifest", "write manifest"),
    },
    "Quarantine": {"read dead letters", "read control", "read manifest", "write manifest"},
}


@pytest.mark.parametrize("function", sorted(_ALLOWED))
def test_a_role_allows_what_its_function_does_and_no_more(bundle: Bundle, function: str) -> None:
    """Secrets, queues and tables are open to those functions only that use them."""
    name = bundle.outputs[f"{function}FunctionName"]
    role = bundle.aws.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    allowed = {
        what
        for what, (action, arn) in _deeds(bundle).items()
        if "allowed" == _decision(bundle, role, action, arn)
    }

    assert _ALLOWED[function] == allowed


def _deeds(bundle: Bundle) -> dict[str, tuple[str, str]]:
    """Name what a function might do: an action on a resource."""
    secret, receive = "secretsmanager:GetSecretValue", "sqs:ReceiveMessage"
    return {
        "medplum": (secret, _secret(bundle, "medplum")),
        "legacy": (secret, _secret(bundle, "legacy")),
        "send events": ("sqs:SendMessage", _queue(bundle, "EventsQueueUrl")),
        "read events": (receive, _queue(bundle, "EventsQueueUrl")),
        "send chunks": ("sqs:SendMessage", _queue(bundle, "ChunksQueueUrl")),
        "read chunks": (receive, _queue(bundle, "ChunksQueueUrl")),
        "read dead letters": (receive, _queue(bundle, "EventsDeadLetterQueueUrl")),
        "read control": ("dynamodb:GetItem", _table(bundle, "ControlTable")),
        "write control": ("dynamodb:PutItem", _table(bundle, "ControlTable")),
        "read manifest": ("dynamodb:Query", _table(bundle, "ManifestTable")),
        "write manifest": ("dynamodb:PutItem", _table(bundle, "ManifestTable")),
        "scan manifest": ("dynamodb:Scan", _table(bundle, "ManifestTable")),
        "drop manifest": ("dynamodb:DeleteTable", _table(bundle, "ManifestTable")),
        "assume": ("sts:AssumeRole", "*"),
    }


def _decision(bundle: Bundle, role: str, action: str, arn: str) -> str:
    [result] = bundle.aws.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=[action], ResourceArns=[arn]
    )["EvaluationResults"]
    return str(result["EvalDecision"])


def _secret(bundle: Bundle, name: str) -> str:
    return str(bundle.aws.client("secretsmanager").describe_secret(SecretId=name)["ARN"])


def _queue(bundle: Bundle, output: str) -> str:
    attributes = bundle.aws.client("sqs").get_queue_attributes(
        QueueUrl=bundle.outputs[output], AttributeNames=["QueueArn"]
    )["Attributes"]
    return str(attributes["QueueArn"])


def _table(bundle: Bundle, output: str) -> str:
    table = bundle.aws.client("dynamodb").describe_table(TableName=bundle.outputs[output])
    return str(table["Table"]["TableArn"])
