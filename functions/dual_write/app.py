"""Dual write: legacy change events from SQS, applied to Medplum."""

from functools import partial
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
    """Apply a batch; answer with the messages to deliver again."""
    phase = partial(wiring().dual_write, deadline=sqs.deadline_of(context))
    return sqs.each_batch(event, phase)
