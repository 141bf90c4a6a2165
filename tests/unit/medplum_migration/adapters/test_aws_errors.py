"""Errors of AWS calls: who acts next, and nothing of the service's message."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from medplum_migration.adapters.aws_errors import aws_errors
from medplum_migration.domain.errors import ConfigurationError, MigrationError, UnavailableError


def _refusal(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "key MRN-00417"},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "PutItem",
    )


@pytest.mark.parametrize(
    ("raised", "wanted"),
    [
        (_refusal("ThrottlingException"), UnavailableError),
        (_refusal("ProvisionedThroughputExceededException"), UnavailableError),
        (_refusal("Whatever", 503), UnavailableError),
        (_refusal("ValidationException"), ConfigurationError),
        (_refusal("ResourceNotFoundException"), ConfigurationError),
        (_refusal("AccessDeniedException", 403), ConfigurationError),
        (ReadTimeoutError(endpoint_url="x"), UnavailableError),
        (ConnectTimeoutError(endpoint_url="x"), UnavailableError),
        (EndpointConnectionError(endpoint_url="x"), UnavailableError),
        (NoCredentialsError(), ConfigurationError),
    ],
)
def test_translation(raised: Exception, wanted: type[MigrationError]) -> None:
    """Trouble that passes is transient, anything else needs a person; messages stay behind."""
    with pytest.raises(wanted) as caught, aws_errors("dynamodb"):
        raise raised
    assert "MRN-00417" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_other_errors_rise() -> None:
    """Our own bugs are not disguised."""
    with pytest.raises(KeyError), aws_errors("dynamodb"):
        raise KeyError
