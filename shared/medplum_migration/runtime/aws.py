"""AWS clients with time-outs that a Lambda function survives, one for each service."""

from functools import cache
from typing import Any

from medplum_migration.domain.errors import ConfigurationError


@cache
def aws_client(service: str) -> Any:  # noqa: ANN401 because boto3 makes its clients at run time
    """Make a client with time-outs that a Lambda function survives.

    Raises:
        ConfigurationError: there is no region, or no such profile.

    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=3,
        read_timeout=10,
        max_pool_connections=16,
        retries={"mode": "standard", "max_attempts": 4},
    )
    client: Any = boto3.client
    try:
        return client(service, config=config)
    except BotoCoreError as error:
        reason = "AWS is not configured here: set a region and credentials"
        raise ConfigurationError(reason, error=type(error).__name__) from None
