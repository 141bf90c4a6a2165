"""An environment that holds nothing but what a test sets."""

import os

import pytest

from medplum_migration.runtime.aws import aws_client
from medplum_migration.runtime.settings import Settings, settings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget every setting, every AWS profile, and what was made from them."""
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.startswith(("AWS_", "POWERTOOLS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    settings.cache_clear()
    aws_client.cache_clear()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a region and credentials that are good for nothing."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
