"""The registry: what a fork owns, by dotted name, and clear words where it is missing."""

import sys
import types
from pathlib import Path

import pytest

import data_elements
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.domain.identity import Identifier
from medplum_migration.runtime import registry


def test_mappings_by_element_in_load_order() -> None:
    """The order of `MAPPINGS` is kept."""
    assert [m.element for m in data_elements.MAPPINGS] == list(registry.elements("data_elements"))


def test_identifiers_are_rebased_for_a_tenant() -> None:
    """Every tenant of one bundle has identifier systems of its own; the declared one stays."""
    rebased = registry.elements("data_elements", "https://tenant.example/id/")["patients"]
    declared = registry.elements("data_elements")["patients"]

    assert (Identifier("https://tenant.example/id/patient_data", "1"),) == rebased.identifiers("1")
    assert declared.identifiers("1") != rebased.identifiers("1")
    assert declared.columns == rebased.columns


def test_a_rebased_mapping_writes_and_buries_under_its_own_system() -> None:
    """Resource and tombstone carry the tenant's identifier, and nothing of the declared one."""
    base = "https://tenant.example/id"
    rebased = registry.elements("data_elements", base)["patients"]
    (grave,) = rebased.tombstone("1")

    assert f"{base}/patient_data" == grave["identifier"][0]["system"]


@pytest.mark.parametrize(
    ("module", "reason"), [("no_such_elements", "no such module"), ("json", "has no MAPPINGS")]
)
def test_a_wrong_name_is_told(module: str, reason: str) -> None:
    """A module that is not there, or is another one, is named."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        registry.elements(module)

    assert {"module": module} == caught.value.fields


def test_a_store_without_an_opener_is_told() -> None:
    """The legacy store's module must have `open_store`."""
    with pytest.raises(ConfigurationError, match="has no open_store"):
        registry.open_legacy_store("json")


def test_a_missing_import_of_the_fork_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork's module that imports what is not installed fails by that name."""
    (tmp_path / "clinic_elements.py").write_text("import not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="not_installed"):
        registry.elements("clinic_elements")


def test_folder_of_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder where golden rows may lie."""
    module = types.ModuleType("made_up")
    module.__file__ = "/made/up/__init__.py"
    monkeypatch.setitem(sys.modules, "made_up", module)

    assert Path("/made/up") == registry.folder_of("made_up")
