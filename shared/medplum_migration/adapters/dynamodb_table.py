"""A document table on DynamoDB: keys `pk` and `sk`, order `major` and `minor`, `body` as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from medplum_migration.adapters.aws_errors import aws_errors
from medplum_migration.adapters.table import Body, Item
from medplum_migration.domain.errors import ConflictError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutItemInputTypeDef

_ABSENT = "attribute_not_exists(pk)"
_AT_REVISION = "major = :expected"
_NOT_NEWER = f"{_ABSENT} OR major < :major OR (major = :major AND minor <= :minor)"


class DynamoDbTable:
    """A `Table` in one DynamoDB table; the client brings its own time-outs and retries.

    Many items are written in parallel by up to `workers` threads, which should not exceed the
    client's connection pool. `page_size` limits the items of one page of a query or scan.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        name: str,
        *,
        workers: int = 8,
        page_size: int | None = None,
    ) -> None:
        self._client = client
        self._name = name
        self._workers = workers
        self._limit = {"Limit": page_size} if page_size else {}

    def get(self, pk: str, sk: str) -> Item | None:
        """Read one item."""
        with aws_errors("dynamodb"):
            answer = self._client.get_item(
                TableName=self._name, Key=_key(pk, sk), ConsistentRead=True
            )
        return _item(answer["Item"]) if "Item" in answer else None

    def put(self, pk: str, sk: str, body: Body, *, expected_revision: int) -> Item:
        """Store a document over the revision that was read."""
        item = Item(pk, sk, body, (expected_revision + 1, 0))
        with aws_errors("dynamodb"), _conflicts():
            self._client.put_item(
                TableName=self._name, Item=_attributes(item), **_expecting(expected_revision)
            )
        return item

    def put_if_newer(self, items: Sequence[Item]) -> list[Item | None]:
        """Store items whose order is not below the stored one, several at a time."""
        if len(items) <= 1:
            return [self._put_newer(item) for item in items]
        with ThreadPoolExecutor(min(self._workers, len(items))) as pool:
            return list(pool.map(self._put_newer, items))

    def delete(self, pk: str, sk: str, *, expected_revision: int) -> None:
        """Remove the item at the revision that was read."""
        with aws_errors("dynamodb"), _conflicts():
            self._client.delete_item(
                TableName=self._name, Key=_key(pk, sk), **_expecting(expected_revision)
            )

    def query(self, pk: str, *, sk_prefix: str = "") -> Iterator[Item]:
        """Read the items of one partition by `sk`, page by page."""
        request: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
        }
        if sk_prefix:
            request["KeyConditionExpression"] += " AND begins_with(sk, :prefix)"
            request["ExpressionAttributeValues"][":prefix"] = {"S": sk_prefix}
        return self._pages("query", request)

    def scan(self, *, pk_prefix: str) -> Iterator[Item]:
        """Read all items of all partitions whose `pk` starts so; reads the whole table."""
        request: dict[str, Any] = {
            "FilterExpression": "begins_with(pk, :prefix)",
            "ExpressionAttributeValues": {":prefix": {"S": pk_prefix}},
        }
        return self._pages("scan", request)

    def _put_newer(self, item: Item) -> Item | None:
        with aws_errors("dynamodb"):
            try:
                answer = self._client.put_item(**self._newer(item))
            except self._client.exceptions.ConditionalCheckFailedException as error:
                held = cast("dict[str, Any]", error.response).get("Item")
                return _item(held) if held else self.get(item.pk, item.sk)
        return _item(answer["Attributes"]) if "Attributes" in answer else None

    def _newer(self, item: Item) -> "PutItemInputTypeDef":
        major, minor = map(str, item.order)
        return {
            "TableName": self._name,
            "Item": _attributes(item),
            "ConditionExpression": _NOT_NEWER,
            "ExpressionAttributeValues": {":major": {"N": major}, ":minor": {"N": minor}},
            "ReturnValues": "ALL_OLD",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _pages(self, operation: str, request: dict[str, Any]) -> Iterator[Item]:
        call = getattr(self._client, operation)
        request |= {"TableName": self._name, "ConsistentRead": True, **self._limit}
        while True:
            with aws_errors("dynamodb"):
                answer = call(**request)
            yield from map(_item, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


@contextmanager
def _conflicts() -> Iterator[None]:
    """Turn a failed condition into `ConflictError`; leave all else to `aws_errors`."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        reason = "another worker stored this item"
        raise ConflictError(reason) from None


def _expecting(revision: int) -> dict[str, Any]:
    if not revision:
        return {"ConditionExpression": _ABSENT}
    return {
        "ConditionExpression": _AT_REVISION,
        "ExpressionAttributeValues": {":expected": {"N": str(revision)}},
    }


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _attributes(item: Item) -> dict[str, Any]:
    major, minor = map(str, item.order)
    return {
        **_key(item.pk, item.sk),
        "body": {"S": json.dumps(item.body)},
        "major": {"N": major},
        "minor": {"N": minor},
    }


def _item(attributes: Mapping[str, Any]) -> Item:
    return Item(
        pk=attributes["pk"]["S"],
        sk=attributes["sk"]["S"],
        body=json.loads(attributes["body"]["S"]),
        order=(int(attributes["major"]["N"]), int(attributes["minor"]["N"])),
    )
