"""What botocore raises, as errors that say who acts next; never with a service's own message."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotReachedError

from medplum_migration.domain.errors import ConfigurationError, UnavailableError

_FIRST_SERVER_ERROR = 500
_BUSY = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TransactionConflictException",
    }
)


@contextmanager
def aws_errors(service: str) -> Iterator[None]:
    """Translate the errors of one call.

    Raises:
        UnavailableError: throttled, timed out, not reached, or a server error.
        ConfigurationError: anything else, such as a missing table, permission or credential.

    """
    try:
        yield
    except ClientError as error:
        raise _translated(error, service) from None
    except (HTTPClientError, NotReachedError) as error:
        raise _unavailable(service, type(error).__name__) from None
    except BotoCoreError as error:
        reason = "AWS cannot be called"
        raise ConfigurationError(reason, service=service, code=type(error).__name__) from None


def _translated(error: ClientError, service: str) -> UnavailableError | ConfigurationError:
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    if code in _BUSY or status >= _FIRST_SERVER_ERROR:
        return _unavailable(service, code)
    return ConfigurationError("AWS refused a call", service=service, code=code)


def _unavailable(service: str, code: str) -> UnavailableError:
    return UnavailableError("AWS did not answer", service=service, code=code)
