"""The snippets for applications that publish themselves send events that are accepted."""

import shutil
import subprocess
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from integrations.publish import publish
from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.envelopes import read_message
from sandbox.medplum.node import node_binary

EVENT = ChangeEvent(element="patients", key="17", version=42, operation=Operation.UPSERT)
SNIPPETS = Path(publish.__file__).parent
# In the place of the SDK, which needs no test of ours.
SDK = """
export class SendMessageCommand { constructor(input) { this.input = input; } }
export class SQSClient { async send(command) { console.log(command.input.MessageBody); } }
"""


def test_what_python_publishes_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message arrives on the queue and reads as the event that was meant."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = boto3.client("sqs")
        url = client.create_queue(QueueName="events")["QueueUrl"]
        publish.publish(url, "patients", "17", 42, "upsert")
        (message,) = client.receive_message(QueueUrl=url)["Messages"]

    assert [EVENT] == read_message(message["Body"])


def test_what_node_publishes_is_an_event(tmp_path: Path) -> None:
    """A key that is a number in the application is sent as text."""
    package = tmp_path / "node_modules" / "@aws-sdk" / "client-sqs"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"type": "module", "main": "index.js"}')
    (package / "index.js").write_text(SDK)
    shutil.copy(SNIPPETS / "publish.mjs", tmp_path)
    call = (
        "import { publish } from './publish.mjs'; await publish('u', 'patients', 17, 42, 'upsert');"
    )
    (tmp_path / "call.mjs").write_text(call)
    done = subprocess.run(  # noqa: S603 because the program is ours
        [node_binary(), "call.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert [EVENT] == read_message(done.stdout)
