"""The one reader of the environment: what an operator sets, checked once."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from medplum_migration.domain.errors import ConfigurationError


class Settings(BaseSettings):
    """Names as in the environment, in upper case; `docs/settings.md` explains each.

    Secrets come from Secrets Manager by ARN, or directly from the environment of an operator's own
    machine. With `state_path` the control data lives in one SQLite file instead of DynamoDB.
    """

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True, extra="ignore")

    medplum_base_url: str = ""
    medplum_secret_arn: str = ""
    medplum_client_id: str = ""
    medplum_client_secret: SecretStr = SecretStr("")
    legacy_secret_arn: str = ""
    legacy_dsn: SecretStr = SecretStr("")
    capture_dsn: SecretStr = SecretStr("")
    hash_key_secret_arn: str = ""
    hash_key: SecretStr = SecretStr("")

    source_name: str = Field(default="openemr", pattern=r"^[a-z][a-z0-9-]*$")
    elements: str = "data_elements"
    legacy_store: str = "legacy_store"
    identifier_base: str = ""
    accounts: str = Field(default="", pattern=r"^([A-Z][A-Za-z]+/[A-Za-z0-9.-]+(,|$))*$")
    claim_profiles: bool = False
    event_images: Literal["drop", "use"] = "drop"
    us_core: Literal["", "5.0.1", "6.1.0", "7.0.0", "8.0.0"] = ""

    control_table: str = ""
    manifest_table: str = ""
    events_queue_url: str = ""
    chunks_queue_url: str = ""
    state_path: Path | None = None

    loading: Literal["auto", "single", "batch"] = "auto"
    page_size: int = 100
    lease_s: float = 120.0
    chunks_in_flight: int = 2
    quota_reserve: int = 2500

    def require(self, name: str) -> str:
        """Read a setting that this function cannot do without.

        Raises:
            ConfigurationError: it is not set; names the variable.

        """
        value = getattr(self, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
        if not text:
            reason = "a setting is missing"
            raise ConfigurationError(reason, variable=name.upper())
        return text


def read_settings(**known: Any) -> Settings:  # noqa: ANN401 because fields differ in kind
    """Read the environment; what is `known` already comes before it.

    Raises:
        ConfigurationError: a variable has a value of the wrong kind; names the variables only.

    """
    try:
        return Settings(**known)
    except ValidationError as error:
        names = ", ".join(str(e["loc"][0]).upper() for e in error.errors())
        reason = "a setting has a value of the wrong kind"
        raise ConfigurationError(reason, variables=names) from None


@cache
def settings() -> Settings:
    """Read the environment once; raises as `read_settings`."""
    return read_settings()
