"""Settings of a deployed stack: its parameters and outputs, by name."""

import re
from typing import Any

from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.runtime.settings import Settings


def stack_settings(name: str) -> dict[str, Any]:
    """Read what CloudFormation knows; `MedplumBaseUrl` becomes `medplum_base_url`, and so on.

    Raises:
        ConfigurationError: there is no such stack.
        UnavailableError: AWS did not answer, or refused.

    """
    import boto3
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        NoRegionError,
        ProfileNotFound,
    )

    try:
        stack = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            reason = "there is no such stack"
            raise ConfigurationError(reason, stack=name) from None
        reason = "CloudFormation refused"
        raise UnavailableError(reason, code=error.response["Error"]["Code"]) from None
    except (NoCredentialsError, NoRegionError, ProfileNotFound) as error:
        reason = "AWS is not configured here: set a region and credentials"
        raise ConfigurationError(reason, error=type(error).__name__) from None
    except BotoCoreError as error:
        reason = "CloudFormation did not answer"
        raise UnavailableError(reason, error=type(error).__name__) from None
    told = {p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", [])}
    told |= {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
    named = {_snake(key): value for key, value in told.items() if value}
    return {key: value for key, value in named.items() if key in Settings.model_fields}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
