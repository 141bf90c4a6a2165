"""Backfill: chunk tasks from SQS, worked on until the deadline."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from medplum_migration.runtime import sqs
from medplum_migration.runtime.containment import contained
from medplum_migration.runtime.observability import logger, tracer
from medplum_migration.runtime.wiring import wiring


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@contained
def handler(event: dict[str, Any], context: LambdaContext) -> sqs.PartialBatchResponse:
    """Continue a chunk; answer with its task if it must be delivered again."""
    wired = wiring()
    return sqs.each_task(event, context, wired.backfill, wired.telemetry)
