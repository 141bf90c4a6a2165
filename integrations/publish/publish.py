"""Publish a committed change of a legacy record (docs/change-events.md)."""

import json

import boto3


def publish(queue_url: str, element: str, key: str, version: int, operation: str) -> None:
    """Send a thin event; `version` grows with every change, `operation` is upsert or delete."""
    event = {"element": element, "key": key, "version": version, "operation": operation}
    boto3.client("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(event))
