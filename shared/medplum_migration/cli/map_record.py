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
) -> None:
    """Map one record and check the result; prints patient data, so keep it to yourself."""
    from medplum_migration.fhir.strict import validate

    session: Session = context.obj
    mapping = session.mapping(element)
    mapped = mapping.to_fhir(_read(source))
    if isinstance(mapped, Quarantine):
        raise MappingError(element=element, path=mapped.column, reason=mapped.why)
    for resource in mapped:
        validate(resource)
        session.console.print_json(dumps(resource).decode())


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
