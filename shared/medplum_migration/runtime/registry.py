"""Find what a fork owns by dotted name: its data elements and its legacy store."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.declaration import DeclarationError
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.sequence import in_order
from medplum_migration.ports.legacy import LegacyStore
from medplum_migration.runtime.containment import describe

if TYPE_CHECKING:
    from medplum_migration.mapping.scaffold import LegacyColumn
    from medplum_migration.ports.capture import Capture
    from medplum_migration.ports.outbox import Outbox


def elements(module: str, identifier_base: str = "") -> dict[str, Mapping[Any]]:
    """Load the mappings as `declared` does, for use.

    Raises:
        ConfigurationError: as `declared`, or a column is undecided.

    """
    listed = declared(module, identifier_base)
    for element, mapping in listed.items():
        if mapping.declaration.undecided:
            reason = "columns are undecided; `medplum-migrate check` tells what to do"
            waiting = " ".join(mapping.declaration.undecided)
            raise ConfigurationError(reason, element=element, columns=waiting)
    return listed


def declared(module: str, identifier_base: str = "") -> dict[str, Mapping[Any]]:
    """Load the mappings that a module lists as `MAPPINGS`, by element, each after its parents.

    With `identifier_base` the identifier system of each record key is `<base>/<table>` instead of
    the declared one, so that every tenant of one bundle has its own.

    Raises:
        ConfigurationError: there is no such module, it cannot be imported, it lists none, one name
            stands twice, or references lead in a circle or to an element that is not listed.

    """
    mappings: tuple[Mapping[Any], ...] = _attribute(module, "MAPPINGS")
    listed = {mapping.element: mapping for mapping in in_order(mappings)}
    if len(listed) < len(mappings):
        reason = "two mappings have one element's name"
        raise ConfigurationError(reason, module=module)
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


def describe_table(module: str) -> "Callable[[str, str], tuple[LegacyColumn, ...]]":
    """Load a module's `describe`, which reads the columns of a table from the catalogue.

    Raises:
        ConfigurationError: there is no such module, or it describes no tables.

    """
    found: Callable[[str, str], tuple[LegacyColumn, ...]] = _attribute(module, "describe")
    return found


def open_capture(module: str) -> "Callable[[str], Capture]":
    """Load a module's `open_capture`, which opens capture at a SQLAlchemy URL.

    Raises:
        ConfigurationError: there is no such module, or its store is not one that we capture.

    """
    opener: Callable[[str], Capture] = _attribute(module, "open_capture")
    return opener


def open_outbox(module: str) -> "Callable[[str], Outbox]":
    """Load a module's `open_outbox`, which opens the outbox at a SQLAlchemy URL; raises alike."""
    opener: Callable[[str], Outbox] = _attribute(module, "open_outbox")
    return opener


def _rebased(mapping: Mapping[Any], base: str) -> Mapping[Any]:
    declared = type(mapping)
    system = f"{base.rstrip('/')}/{mapping.table}"
    names = {"system": system, "declared_system": mapping.system, "__module__": declared.__module__}
    rebased: type[Mapping[Any]] = type(declared.__name__, (declared,), names)
    return rebased()


def _attribute(module: str, name: str) -> Any:  # noqa: ANN401 because a fork decides what it is
    imported = _import(module)
    if not hasattr(imported, name):
        reason = f"the module has no {name}"
        raise ConfigurationError(reason, module=module)
    return getattr(imported, name)


def _import(module: str) -> ModuleType:
    """Import what a fork owns; nothing of a record can be in what goes wrong there."""
    try:
        return import_module(module)
    except DeclarationError as error:
        raise ConfigurationError(str(error)) from None
    except Exception as error:  # noqa: BLE001 because a fork's module may raise anything
        if isinstance(error, ModuleNotFoundError) and error.name == module:
            reason = "no such module"
            raise ConfigurationError(reason, module=module) from None
        reason = f"a module cannot be imported: {error}"
        raise ConfigurationError(reason, module=module, failure=describe(error)) from None
