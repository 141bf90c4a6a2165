"""Between an SQS event and a phase: messages in, partial batch response out.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.domain.errors import EventError, MigrationError
from medplum_migration.phases.deferral import count_deferred
from medplum_migration.phases.dual_write import Message
from medplum_migration.ports.telemetry import Telemetry
from medplum_migration.runtime.containment import describe

PartialBatchResponse = PartialItemFailureResponse
_MARGIN_S = 5.0


class ChunkPhase(Protocol):
    """A phase that works on a chunk until a deadline."""

    def __call__(self, task: ChunkTask, *, deadline: float) -> object:
        """Continue the chunk."""


def each_batch(
    event: dict[str, Any], phase: Callable[[Sequence[Message]], list[str]]
) -> PartialBatchResponse:
    """Hand a whole batch to a phase that answers with the ids to deliver again.

    A page of records shares one search in Medplum, so a batch is not taken apart record by record.
    """
    messages = [Message(record["messageId"], record["body"]) for record in event["Records"]]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in phase(messages)]}


def each_task(
    event: dict[str, Any], context: LambdaContext, phase: ChunkPhase, telemetry: Telemetry
) -> PartialBatchResponse:
    """Hand each chunk task to a phase, with a deadline before the function's own.

    A failing task is logged by the error's fields, or its type alone, and delivered again.
    """
    deadline = deadline_of(context)

    def handle(record: SQSRecord) -> None:
        try:
            phase(read_task(record.body), deadline=deadline)
        except MigrationError as error:
            count_deferred(telemetry, [error])
            telemetry.problem("backfill.failed", reason=str(error))
            raise
        except Exception as error:
            # Lambda counts no error of the function, for the batch is answered in part.
            telemetry.count("UnexpectedErrors", 1)
            telemetry.problem("backfill.failed", reason=describe(error))
            raise

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(
        event=event, record_handler=handle, processor=processor, context=context
    )


def deadline_of(context: LambdaContext) -> float:
    """Tell when work must end, in seconds since the epoch: a little before Lambda ends it."""
    return time.time() + context.get_remaining_time_in_millis() / 1000 - _MARGIN_S


def read_task(body: str) -> ChunkTask:
    """Parse a queue message.

    Raises:
        EventError: the message is not a chunk task.

    """
    try:
        return ChunkTask.model_validate_json(body)
    except ValidationError:
        reason = "not a chunk task"
        raise EventError(reason) from None
