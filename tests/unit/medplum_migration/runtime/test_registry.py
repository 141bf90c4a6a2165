"""The registry: what a fork owns, by dotted name, and clear words where it is missing."""

import sys
import types
from pathlib import Path
from typing import Any

import pytest
from pydantic import create_model

import data_elements
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.domain.identity import Identifier
from medplum_migration.mapping.field import Field, Undecided
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.runtime import registry

FIELD = "from medplum_migration.mapping.field import Field\n"


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


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("No module named 'not_installed'", "import not_installed\n"),
        ("invalid syntax", "MAPPINGS = (\n    class: str,\n)\n"),
        ("name 'Txt' is not defined", "Txt\n"),
        ("missing 1 required positional argument: 'path'", f"{FIELD}Field('name')\n"),
    ],
)
def test_what_a_fork_s_module_raises_is_told(
    told: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person who wrote it sees what is wrong, and where."""
    (tmp_path / "clinic_elements.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigurationError, match="cannot be imported") as caught:
        registry.elements("clinic_elements")

    assert told in str(caught.value)
    assert "clinic_elements" == caught.value.fields["module"]


class Draft(Mapping[Any]):
    """An element that somebody has begun."""

    element, resource, row = "drafts", "Location", create_model("Row", id=int, name=str)
    table, key, system = "draft", "id", "urn:draft"
    fields = (Undecided("name"),)


def offer(monkeypatch: pytest.MonkeyPatch, *mappings: Mapping[Any]) -> str:
    """Make a module with these mappings."""
    module = types.ModuleType("made_up")
    monkeypatch.setattr(module, "MAPPINGS", mappings, raising=False)
    monkeypatch.setitem(sys.modules, "made_up", module)
    return "made_up"


def test_undecided_columns_keep_everything_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is only declared may be looked at; what runs must be decided."""
    module = offer(monkeypatch, Draft())

    assert ["drafts"] == list(registry.declared(module))
    with pytest.raises(ConfigurationError, match="columns are undecided") as caught:
        registry.elements(module)
    assert {"element": "drafts", "columns": "name"} == caught.value.fields


def test_two_elements_of_one_name_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither hides the other."""
    with pytest.raises(ConfigurationError, match="one element's name"):
        registry.declared(offer(monkeypatch, Draft(), Draft()))


def test_a_circle_of_references_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements that refer to each other are named."""
    one = type("One", (Draft,), {"element": "ones", "fields": (Field("name", "name"),)})()
    two = type("Two", (Draft,), {"element": "twos", "refers_to": (one,)})()
    monkeypatch.setattr(type(one), "refers_to", (two,))

    with pytest.raises(ConfigurationError, match="circle"):
        registry.declared(offer(monkeypatch, one, two))


def test_a_declaration_that_is_wrong_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own words, and nothing about where Python met them."""
    text = "from medplum_migration.mapping.mapping import Mapping\nclass Wrong(Mapping): ...\n"
    (tmp_path / "wrong_elements.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigurationError, match=r"^wrong_elements\.Wrong: element: the class"):
        registry.elements("wrong_elements")


def test_a_store_that_describes_no_tables_is_told() -> None:
    """A legacy store without tables need not have `describe`."""
    assert callable(registry.describe_table("legacy_store"))
    with pytest.raises(ConfigurationError, match="has no describe"):
        registry.describe_table("json")


def test_folder_of_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder where golden rows may lie."""
    module = types.ModuleType("made_up")
    module.__file__ = "/made/up/__init__.py"
    monkeypatch.setitem(sys.modules, "made_up", module)

    assert Path("/made/up") == registry.folder_of("made_up")
