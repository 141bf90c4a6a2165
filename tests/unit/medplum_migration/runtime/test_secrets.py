"""Secrets: by ARN from Secrets Manager, or from the environment of an operator's own machine."""

import json
from collections.abc import Iterator

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import clear_caches
from moto import mock_aws

from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.runtime import secrets
from medplum_migration.runtime.settings import read_settings


@pytest.fixture(autouse=True)
def account(aws: None) -> Iterator[None]:
    """Run in an empty AWS account."""
    assert aws is None
    clear_caches()  # type: ignore[no-untyped-call] # because Powertools has no type here
    with mock_aws():
        yield
    clear_caches()  # type: ignore[no-untyped-call] # because as above


def store(text: str) -> str:
    """Store a secret; return its ARN."""
    client = boto3.client("secretsmanager")
    return client.create_secret(Name="secret", SecretString=text)["ARN"]


def test_credentials_come_from_the_secret() -> None:
    """An ARN wins over the environment."""
    arn = store(json.dumps({"client_id": "id", "client_secret": "s", "more": 1}))
    settings = read_settings(medplum_secret_arn=arn, medplum_client_id="other")

    assert ("id", "s") == secrets.medplum_credentials(settings)


def test_dsn_and_key_come_from_secrets() -> None:
    """The DSN is a field, the hash key a plain text."""
    dsn = read_settings(legacy_secret_arn=store('{"dsn": "sqlite://"}'))

    assert "sqlite://" == secrets.legacy_dsn(dsn)
    assert b"sqlite" in secrets.hash_key(read_settings(hash_key_secret_arn=dsn.legacy_secret_arn))


def test_without_an_arn_the_environment_counts() -> None:
    """An operator's machine needs no Secrets Manager."""
    settings = read_settings(
        medplum_client_id="id",
        medplum_client_secret="s",  # noqa: S106 because it is none
        legacy_dsn="sqlite://",
        hash_key="k",
    )

    assert ("id", "s") == secrets.medplum_credentials(settings)
    assert "sqlite://" == secrets.legacy_dsn(settings)
    assert b"k" == secrets.hash_key(settings)


@pytest.mark.parametrize("text", ["hunter2", '"hunter2"', '["hunter2"]', '{"client_id": "x"}'])
def test_a_secret_of_another_form_is_not_quoted(text: str) -> None:
    """What is wrong with a secret is told without the secret."""
    settings = read_settings(medplum_secret_arn=store(text))

    with pytest.raises(ConfigurationError, match="client_id and client_secret") as caught:
        secrets.medplum_credentials(settings)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_secret_that_is_not_there_is_tried_again() -> None:
    """Secrets Manager's refusal is transient: a new secret or permission takes a moment."""
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:none-abcdef"

    with pytest.raises(UnavailableError, match="Secrets Manager"):
        secrets.legacy_dsn(read_settings(legacy_secret_arn=arn))
