"""`check`: are the mappings sound, and do they fit the legacy store as it is."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from medplum_migration.cli.laws import check_laws
from medplum_migration.cli.session import AsJson, Session, find
from medplum_migration.cli.show import print_json
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.mapping.mapping import Mapping, Quarantine
from medplum_migration.runtime.registry import declared, folder_of


def check(  # noqa: PLR0913 because each is an option of the command
    context: typer.Context,
    element: Annotated[
        str | None, typer.Argument(help="Data element type, such as `patients`; all without.")
    ] = None,
    *,
    sample: Annotated[
        int,
        typer.Option(min=0, help="Records to map and validate per element; 0 skips the store."),
    ] = 0,
    examples: Annotated[
        int, typer.Option(min=0, help="Made-up rows per element and law; 0 skips the laws.")
    ] = 50,
    goldens: Annotated[
        Path | None,
        typer.Option(
            help="Folder with a folder of golden rows per element; default: in the elements' own.",
            file_okay=False,
            exists=True,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Load every mapping, hold it to the laws, try it on real records; exit with 1 on any finding.

    Loading proves that each column has a disposition; those that are undecided are told. The laws
    need Hypothesis. A sample proves that the legacy table has no column without a disposition, and
    that what is mapped is valid FHIR. No value of a record is shown.
    """
    session: Session = context.obj
    settings = session.wired.settings
    signed = goldens or folder_of(settings.elements) / "goldens"
    known = declared(settings.elements, settings.identifier_base)
    chosen = known if element is None else {element: find(known, element)}
    told = {
        name: _check(session, mapping, sample, examples, signed / name)
        for name, mapping in chosen.items()
    }
    if as_json:
        print_json(told)
    else:
        for name, found in told.items():
            _print(session, name, found)
    if any(found["findings"] for found in told.values()):
        raise typer.Exit(1)


def _check(
    session: Session, mapping: Mapping[Any], sample: int, examples: int, goldens: Path
) -> dict[str, Any]:
    if undecided := mapping.declaration.undecided:
        laws, broken = "wait until every column is decided", list(map(_undecided, undecided))
    else:
        laws, broken = check_laws(mapping, goldens, examples)
    found = _check_on_store(session, mapping, sample) if sample else Counter[str]()
    return {
        "resource": mapping.resource,
        "columns": len(mapping.columns),
        "columns_read": len(mapping.columns_read),
        "laws": laws,
        "findings": broken + [f"{number} x {what}" for what, number in sorted(found.items())],
    }


def _undecided(column: str) -> str:
    return f"column {column}: undecided; write a Field, or take it out of the row and say why"


def _print(session: Session, element: str, found: dict[str, Any]) -> None:
    columns = f"{found['columns']} columns, {found['columns_read']} read"
    session.say(f"{element}: {found['resource']}, {columns}; laws: {found['laws']}")
    for finding in found["findings"]:
        session.say(f"  {finding}")


def _check_on_store(session: Session, mapping: Mapping[Any], sample: int) -> Counter[str]:
    legacy = session.wired.legacy
    undecided = sorted(legacy.columns(mapping.element) - mapping.columns)
    missing = sorted(mapping.columns_read - legacy.columns(mapping.element))
    found = Counter(f"column {name}: has no disposition" for name in undecided)
    found.update(f"column {name}: not in the legacy table" for name in missing)
    if missing:
        return found
    page = legacy.page(mapping.element, after=None, upto=None, limit=sample)
    found.update(finding for record in page if (finding := _try(record, mapping)))
    return found


def _try(record: LegacyRecord, mapping: Mapping[Any]) -> str:
    """Map one record; tell what is wrong without its values."""
    from medplum_migration.mapping import law

    row = dict(record.row or {})
    try:
        mapped = mapping.to_fhir(row)
        if isinstance(mapped, Quarantine):
            return f"column {mapped.column}: {mapped.why}"
        law.deterministic(mapping, row, row)
        law.valid(mapping, row, row)
    except InvalidResourceError as error:
        return f"path {error.path}: {error.reason}"
    except AssertionError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 because one record must not hide the others
        return f"the mapping raised {type(error).__name__}"
    return ""
