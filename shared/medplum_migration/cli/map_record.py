"""`map`: one legacy record in, FHIR out; needs neither AWS nor Medplum."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from medplum_migration.cli.session import Element, Session
from medplum_migration.domain.errors import ConfigurationError, MappingError
from medplum_migration.fhir.canonical import dumps
from medplum_migration.mapping.mapping import Quarantine


def map_record(
    context: typer.Context,
    element: Element,
    source: Annotated[
        Path,
        typer.Argument(help="JSON file with one row by column name; `-` reads standard input."),
    ] = Path("-"),
    *,
    blank: Annotated[
        bool, typer.Option("--blank", help="Take columns that the row leaves out as missing.")
    ] = False,
    key: Annotated[
        str | None, typer.Option(help="Read the record with this key from the legacy store.")
    ] = None,
) -> None:
    """Map one record and check the result; prints patient data, so keep it to yourself."""
    from medplum_migration.mapping import law, strategies

    session: Session = context.obj
    mapping = session.mapping(element)
    row = _read(source) if key is None else _load(session, element, key)
    row = (strategies.blank(mapping) if blank else {}) | row
    mapped = mapping.to_fhir(row)
    if isinstance(mapped, Quarantine):
        raise MappingError(element=element, path=mapped.column, reason=mapped.why)
    law.valid(mapping, row, row)
    for resource in mapped:
        typer.echo(json.dumps(json.loads(dumps(resource)), indent=2, ensure_ascii=False))


def _load(session: Session, element: str, key: str) -> dict[str, Any]:
    (record,) = session.wired.legacy.read(element, [key])
    if record.row is None:
        reason = "the legacy store has no such record"
        raise ConfigurationError(reason, element=element)
    return dict(record.row)


def _read(source: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(source) == "-" else source.read_text()
        row = json.loads(text)
    except (OSError, ValueError) as error:
        reason = "cannot read a JSON object"
        raise ConfigurationError(reason, source=str(source), error=type(error).__name__) from None
    if not isinstance(row, dict):
        reason = "the row must be a JSON object: column name to value"
        raise ConfigurationError(reason, source=str(source))
    return row
