"""What is particular to DynamoDB: round trips, errors, emulators."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from medplum_migration.adapters.dynamodb_table import DynamoDbTable
from medplum_migration.adapters.table import Item
from medplum_migration.domain.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ITEM = Item("p", "s", {}, (1, 0))
STORED = {
    "pk": {"S": "p"},
    "sk": {"S": "s"},
    "body": {"S": '{"n":1}'},
    "major": {"N": "2"},
    "minor": {"N": "0"},
}


@pytest.fixture
def client() -> "Iterator[DynamoDBClient]":
    """Make a client that never leaves the process."""
    with mock_aws():
        yield boto3.client("dynamodb", region_name="eu-west-1")


def test_missing_table(client: "DynamoDBClient") -> None:
    """A table that does not exist is a matter of configuration."""
    table = DynamoDbTable(client, "nobody")
    with pytest.raises(ConfigurationError, match="ResourceNotFoundException"):
        table.get("p", "s")


def test_throttled_write(client: "DynamoDBClient") -> None:
    """Throttling of any write is transient."""
    with Stubber(client) as stub:
        stub.add_client_error("put_item", "ThrottlingException", http_status_code=400)
        stub.add_client_error("put_item", "ThrottlingException", http_status_code=400)
        with pytest.raises(UnavailableError):
            DynamoDbTable(client, "t").put_if_newer([ITEM])
        with pytest.raises(UnavailableError):
            DynamoDbTable(client, "t").put("p", "s", {}, expected_revision=0)


def test_dropped_write_is_one_round_trip(client: "DynamoDBClient") -> None:
    """The refusal brings what stands there, so nothing is read again."""
    with Stubber(client) as stub:
        stub.add_client_error(
            "put_item",
            "ConditionalCheckFailedException",
            modeled_fields={"Item": STORED},
        )
        held = DynamoDbTable(client, "t").put_if_newer([ITEM])
        stub.assert_no_pending_responses()
    assert [Item("p", "s", {"n": 1}, (2, 0))] == held


def test_refusal_without_the_item(client: "DynamoDBClient") -> None:
    """An emulator that does not return the item is asked for it."""
    with Stubber(client) as stub:
        stub.add_client_error("put_item", "ConditionalCheckFailedException")
        stub.add_response("get_item", {"Item": STORED})
        held = DynamoDbTable(client, "t").put_if_newer([ITEM])
    assert [Item("p", "s", {"n": 1}, (2, 0))] == held
