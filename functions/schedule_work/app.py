"""Schedule work: a tick from EventBridge, chunks planned and tasks enqueued."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from medplum_migration.runtime.containment import contained
from medplum_migration.runtime.observability import logger, tracer
from medplum_migration.runtime.wiring import wiring


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@contained
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 because Lambda passes them
    """Serve every element in backfill; answer with the number of tasks enqueued."""
    return {"tasks": wiring().schedule_work()}
