"""Queues of the emulator under traffic: what is sent is delivered."""

import threading
from typing import Any

import pytest

from sandbox.aws.ministack import MiniStack

pytestmark = pytest.mark.integration


def test_nothing_is_lost_while_others_send(stack: MiniStack) -> None:
    """Each message is received although two senders and the receiver work at once."""
    sqs = stack.client("sqs")
    url = sqs.create_queue(QueueName="traffic")["QueueUrl"]
    senders = [threading.Thread(target=_send, args=(stack, url, name)) for name in "ab"]
    for sender in senders:
        sender.start()

    received: set[str] = set()
    while any(sender.is_alive() for sender in senders) or len(received) < 400:
        batch = _receive(sqs, url)
        if not batch:
            break
        received |= batch

    assert {f"{name}{n}" for name in "ab" for n in range(200)} == received


def _send(stack: MiniStack, url: str, name: str) -> None:
    sqs = stack.client("sqs")
    for start in range(0, 200, 10):
        entries = [{"Id": str(n), "MessageBody": f"{name}{n}"} for n in range(start, start + 10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


def _receive(sqs: Any, url: str) -> set[str]:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
    messages = answer.get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return {message["Body"] for message in messages}
