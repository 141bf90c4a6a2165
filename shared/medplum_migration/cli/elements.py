"""`elements`: begin a data element from the columns that its legacy table has."""

import keyword
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from medplum_migration.cli.registration import registered
from medplum_migration.cli.session import Execute, Session
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.fhir import elements as resources
from medplum_migration.mapping import scaffold
from medplum_migration.mapping.scaffold import Draft, Kind, LegacyColumn
from medplum_migration.mapping.source import Condition, Key
from medplum_migration.runtime import registry, secrets

app = typer.Typer(no_args_is_help=True, help="Begin a data element from its legacy table.")
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_BASE = "https://legacy.example/fhir/id"


@app.callback()
def elements() -> None:
    """Begin a data element from its legacy table."""


@app.command()
def new(  # noqa: PLR0913 because each is an option of the command
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the element: plural, such as `devices`.")],
    *,
    table: Annotated[str, typer.Option(help="Legacy table or view.")],
    resource: Annotated[str, typer.Option(help="FHIR resource type, such as `Device`.")],
    key: Annotated[
        list[str] | None, typer.Option(help="Key column, again for each; default: the primary key.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="`column=value`, again for each: which rows of the table they are."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the project; default: that of your elements.", file_okay=False
        ),
    ] = None,
    execute: Execute = False,
) -> None:
    """Write a module, a test and a golden pair to begin with, every column undecided.

    Reads the columns from the legacy store's catalogue, and no record. No file is overwritten.
    """
    session: Session = context.obj
    settings = session.wired.settings
    known = registry.declared(settings.elements)
    _check_name(name, known)
    _check_resource(resource)
    describe = registry.describe_table(settings.legacy_store)
    columns = describe(secrets.legacy_dsn(settings), table)
    systems = [mapping.system.rpartition("/")[0] for mapping in known.values()]
    draft = Draft(
        *(name, resource, table, columns),
        keys=_keys(columns, tuple(key or ()), table),
        where=_conditions(columns, where or []),
        package=settings.elements,
        base=next(iter(systems), _BASE),
    )
    _write(session, draft, _Place(registry.folder_of(settings.elements), into), execute=execute)


class _Place:
    """Where files go: `package` is the folder of the elements, `root` that of the project."""

    def __init__(self, package: Path, into: Path | None) -> None:
        above = next((f for f in package.parents if (f / "pyproject.toml").exists()), None)
        root = above or package.parent
        self.root = into or root
        self.package = self.root / package.relative_to(root)

    def shown(self, path: Path) -> str:
        """Spell a path below the project."""
        return path.relative_to(self.root).as_posix()


def _write(session: Session, draft: Draft, place: _Place, *, execute: bool) -> None:
    tests = place.root / "tests" / "unit" / draft.package.replace(".", "/")
    listed = place.package / "__init__.py"
    written = {place.package / f"{draft.element}.py": scaffold.module(draft)}
    written |= {Path(path): text for path, text in scaffold.files(draft, tests).items()}
    for path in written:
        if path.exists():
            reason = "the file is there already, and is not overwritten"
            raise ConfigurationError(reason, file=place.shown(path))
    mappings = registered(listed, draft.package, draft.element)
    if mappings is not None:
        written[listed] = mappings
    for path in written:
        did, would = ("changed", "change") if path == listed else ("wrote", "write")
        session.say(f"{did if execute else f'would {would}'} {place.shown(path)}")
    undecided = len(draft.read) - len(draft.keys)
    if session.dry_run(execute, f"begin {draft.element} with {undecided} undecided columns"):
        return
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    _say_next(session, draft, place, by_hand=mappings is None)


def _say_next(session: Session, draft: Draft, place: _Place, *, by_hand: bool) -> None:
    module = place.shown(place.package / f"{draft.element}.py")
    if by_hand:
        line = f"from {draft.package}.{draft.element} import {draft.element}"
        listed = place.shown(place.package / "__init__.py")
        session.say(f"Add to {listed}: {line}, and {draft.element} to MAPPINGS.")
    session.say(f"Decide the columns in {module}; docs/add-a-data-element.md shows how.")
    session.say(f"What is left: {session.command(f'check {draft.element}')}")


def _check_name(name: str, known: Iterable[str]) -> None:
    singular = name.replace("_", "") in {kind.lower() for kind in resources.types()}
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or singular:
        reason = "an element's name is a plural of small letters, digits and underscores"
        raise ConfigurationError(reason, element=name)
    if name in known:
        reason = "there is an element of this name"
        raise ConfigurationError(reason, element=name)


def _check_resource(resource: str) -> None:
    types = resources.types()
    if resource not in types:
        reason = "no resource type that records migrate to; see fhir/elements.py"
        near = get_close_matches(resource, types) or types
        raise ConfigurationError(reason, resource=resource, known=" ".join(near))


def _keys(
    columns: tuple[LegacyColumn, ...], chosen: tuple[str, ...], table: str
) -> tuple[str, ...]:
    for name in chosen:
        _column(columns, name)
    keys = chosen or tuple(column.name for column in columns if column.key)
    if not keys:
        reason = "the table has no primary key; name what identifies a row with --key"
        raise ConfigurationError(reason, table=table)
    return keys


def _conditions(columns: tuple[LegacyColumn, ...], told: list[str]) -> dict[str, Condition]:
    found: dict[str, list[Key]] = {}
    for text in told:
        name, sign, value = text.partition("=")
        if not sign:
            reason = "--where takes column=value"
            raise ConfigurationError(reason, where=text)
        found.setdefault(name, []).append(_value(_column(columns, name), value))
    return {n: tuple(held) if len(held) > 1 else held[0] for n, held in found.items()}


def _value(column: LegacyColumn, value: str) -> Key:
    if column.kind not in {Kind.WHOLE, Kind.FLAG}:
        return value
    try:
        return int(value)
    except ValueError:
        reason = "--where compares a column of whole numbers with something else"
        raise ConfigurationError(reason, column=column.name) from None


def _column(columns: tuple[LegacyColumn, ...], name: str) -> LegacyColumn:
    found = [column for column in columns if column.name == name]
    if not found:
        reason = "the legacy table lacks a column"
        known = " ".join(column.name for column in columns)
        raise ConfigurationError(reason, column=name, known=known)
    return found[0]
