"""Settings: read once, and told by name when something is wrong with them."""

import re
from pathlib import Path

import pytest

from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.runtime.settings import Settings, read_settings, settings

PAGE = Path(__file__).parents[4] / "docs" / "settings.md"


def test_names_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable in upper case sets the field in lower case."""
    monkeypatch.setenv("PAGE_SIZE", "7")

    assert 7 == settings().page_size


def test_what_is_known_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's own options and a stack's outputs win."""
    monkeypatch.setenv("STATE_PATH", "a.db")

    assert Path("b.db") == read_settings(state_path=Path("b.db")).state_path


@pytest.mark.parametrize("name", ["MEDPLUM_BASE_URL", "LEGACY_DSN", "STATE_PATH"])
def test_a_missing_setting_is_named(name: str) -> None:
    """What cannot be done without is asked for by its variable's name."""
    with pytest.raises(ConfigurationError, match="a setting is missing") as caught:
        settings().require(name.lower())

    assert {"variable": name} == caught.value.fields


def test_a_wrong_kind_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value may be a secret in the wrong place: only names are told, and the chain is cut."""
    monkeypatch.setenv("PAGE_SIZE", "hunter2")
    monkeypatch.setenv("LOADING", "hunter2")

    with pytest.raises(ConfigurationError) as caught:
        settings()

    assert {"variables": "LOADING, PAGE_SIZE"} == caught.value.fields
    assert caught.value.__cause__ is None
    assert "hunter2" not in str(caught.value)


def test_secrets_do_not_show() -> None:
    """Printing settings prints no secret."""
    shown = repr(read_settings(legacy_dsn="mysql://u:hunter2@h/d", hash_key="hunter2"))

    assert "hunter2" not in shown


def test_every_setting_is_documented() -> None:
    """`docs/settings.md` has one row per field, with the default."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", PAGE.read_text(), re.MULTILINE)

    assert {
        name.upper(): _shown(field.get_default()) for name, field in Settings.model_fields.items()
    } == dict(rows)


def _shown(default: object) -> str:
    text = "" if default is None or "Secret" in type(default).__name__ else str(default)
    return f"`{text}`" if text else "-"
