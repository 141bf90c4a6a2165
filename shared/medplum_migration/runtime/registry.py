"""Find what a fork owns by dotted name: its data elements and its legacy store."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.ports.legacy import LegacyStore


def elements(module: str, identifier_base: str = "") -> dict[str, Mapping[Any]]:
    """Load the mappings that a module lists as `MAPPINGS`, by element, in load order.

    With `identifier_base` the identifier system of each record key is `<base>/<table>` instead of
    the declared one, so that every tenant of one bundle has its own.

    Raises:
        ConfigurationError: there is no such module, or it lists none.

    """
    mappings: tuple[Mapping[Any], ...] = _attribute(module, "MAPPINGS")
    listed = {mapping.element: mapping for mapping in mappings}
    return rebase(listed, identifier_base) if identifier_base else listed


def rebase(elements: dict[str, Mapping[Any]], base: str) -> dict[str, Mapping[Any]]:
    """Give every element identifiers in `<base>/<table>`."""
    return {element: _rebased(mapping, base) for element, mapping in elements.items()}


def folder_of(module: str) -> Path:
    """Find the folder that a module lies in.

    Raises:
        ConfigurationError: there is no such module.

    """
    return Path(str(_attribute(module, "__file__"))).parent


def open_legacy_store(module: str) -> Callable[[str], LegacyStore]:
    """Load a module's `open_store`, which opens the legacy store at a SQLAlchemy URL.

    Raises:
        ConfigurationError: there is no such module, or it cannot open a store.

    """
    opener: Callable[[str], LegacyStore] = _attribute(module, "open_store")
    return opener


def _rebased(mapping: Mapping[Any], base: str) -> Mapping[Any]:
    declared = type(mapping)
    system = f"{base.rstrip('/')}/{mapping.table}"
    names = {"system": system, "declared_system": mapping.system, "__module__": declared.__module__}
    rebased: type[Mapping[Any]] = type(declared.__name__, (declared,), names)
    return rebased()


def _attribute(module: str, name: str) -> Any:  # noqa: ANN401 because a fork decides what it is
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        reason = "no such module"
        raise ConfigurationError(reason, module=module) from None
    except AttributeError:
        reason = f"the module has no {name}"
        raise ConfigurationError(reason, module=module) from None
