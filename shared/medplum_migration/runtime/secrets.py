"""Secrets: from Secrets Manager by ARN, or from the settings of an operator's own machine."""

import json

from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.runtime.settings import Settings


def medplum_credentials(settings: Settings) -> tuple[str, str]:
    """Client id and secret of the migration's ClientApplication.

    Raises:
        ConfigurationError: they are not set, or the secret has another form.
        UnavailableError: Secrets Manager did not answer.

    """
    if settings.medplum_secret_arn:
        secret = _fields(settings.medplum_secret_arn, "client_id", "client_secret")
        return secret["client_id"], secret["client_secret"]
    return settings.require("medplum_client_id"), settings.require("medplum_client_secret")


def legacy_dsn(settings: Settings) -> str:
    """SQLAlchemy URL of the legacy store; raises as `medplum_credentials`."""
    if settings.legacy_secret_arn:
        return _fields(settings.legacy_secret_arn, "dsn")["dsn"]
    return settings.require("legacy_dsn")


def capture_dsn(settings: Settings) -> str:
    """SQLAlchemy URL to install capture at, or else the legacy store's."""
    return settings.capture_dsn.get_secret_value() or legacy_dsn(settings)


def hash_key(settings: Settings) -> bytes:
    """Key of all keyed hashes; raises as `medplum_credentials`."""
    if settings.hash_key_secret_arn:
        return _read(settings.hash_key_secret_arn).encode()
    return settings.require("hash_key").encode()


def _fields(arn: str, *names: str) -> dict[str, str]:
    try:
        secret: dict[str, str] = json.loads(_read(arn))
        return {name: secret[name] for name in names}
    except (ValueError, TypeError, KeyError):
        reason = f"a secret is not a JSON object with {' and '.join(names)}"
        raise ConfigurationError(reason, service="secretsmanager") from None


def _read(arn: str) -> str:
    """Read a secret; Powertools keeps it for five minutes."""
    from aws_lambda_powertools.utilities.parameters import GetParameterError, get_secret

    try:
        return str(get_secret(arn, max_age=300))
    except GetParameterError:
        reason = "Secrets Manager did not give a secret"
        raise UnavailableError(reason, service="secretsmanager") from None
