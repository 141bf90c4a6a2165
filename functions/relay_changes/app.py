"""Relay changes: a tick from EventBridge, captured changes published until the deadline."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from medplum_migration.runtime import sqs
from medplum_migration.runtime.capturing import relay_changes
from medplum_migration.runtime.containment import contained
from medplum_migration.runtime.observability import logger, tracer
from medplum_migration.runtime.wiring import wiring


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@contained
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 because Lambda passes it
    """Publish until the deadline; answer with the number of changes."""
    relay = relay_changes(wiring())
    return {"changes": relay(deadline=sqs.deadline_of(context))}
