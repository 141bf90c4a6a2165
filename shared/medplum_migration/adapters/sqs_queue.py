"""Port `Queue` on SQS: messages as JSON, in batches of ten that fit one request."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from medplum_migration.adapters.aws_errors import aws_errors
from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.domain.errors import EventError, UnavailableError
from medplum_migration.ports.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef as Entry

MAX_DELAY_S = 900
_MAX_ENTRIES = 10
_MAX_BYTES = 256 * 1024
_TRIES = 4
_FIRST_PAUSE_S = 0.2

Message = TypeVar("Message", ChunkTask, ChangeEvent)


class SqsQueue(Generic[Message]):
    """A standard queue; entries that SQS refuses are sent again a few times."""

    def __init__(self, client: "SQSClient", url: str, *, clock: Clock) -> None:
        self._client = client
        self._url = url
        self._clock = clock

    def send(self, messages: Sequence[Message], *, delay_s: int = 0) -> None:
        """Enqueue messages.

        Raises:
            EventError: a message is larger than any queue takes.

        """
        if not 0 <= delay_s <= MAX_DELAY_S:
            raise ValueError(delay_s)
        bodies = [message.model_dump_json() for message in messages]
        for batch in list(_batches(bodies)):
            self._send(
                [
                    {"Id": str(n), "MessageBody": body, "DelaySeconds": delay_s}
                    for n, body in enumerate(batch)
                ]
            )

    def _send(self, entries: "list[Entry]") -> None:
        for attempt in range(_TRIES):
            if attempt:
                self._clock.pause(_FIRST_PAUSE_S * 2**attempt)
            with aws_errors("sqs"):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            failed = {entry["Id"] for entry in answer.get("Failed", [])}
            entries = [entry for entry in entries if entry["Id"] in failed]
            if not entries:
                return
        reason = "SQS refused messages"
        raise UnavailableError(reason, service="sqs", messages=len(entries))


def _batches(bodies: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for body in bodies:
        length = len(body.encode())
        if length > _MAX_BYTES:
            reason = "the message is too large for a queue"
            raise EventError(reason, bytes=length)
        if batch and (len(batch) == _MAX_ENTRIES or size + length > _MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += length
    if batch:
        yield batch
