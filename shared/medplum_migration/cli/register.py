"""`register`: what becomes of each legacy column, for people, spreadsheets and programs."""

import csv
import io
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from medplum_migration.cli.session import Element, Session
from medplum_migration.cli.show import print_json
from medplum_migration.mapping.register import Entry, markdown, register


class Format(StrEnum):
    """How the register is written."""

    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


def print_register(
    context: typer.Context,
    element: Element,
    *,
    format_: Annotated[
        Format, typer.Option("--format", help="Markdown for people, CSV or JSON for programs.")
    ] = Format.MARKDOWN,
) -> None:
    """Print the mapping register: every column with its disposition, path, transform and reason.

    It is derived from the mapping, so it cannot be out of date.
    https://www.medplum.com/docs/migration/mapping-governance
    """
    session: Session = context.obj
    mapping = session.mapping(element)
    if format_ is Format.MARKDOWN:
        typer.echo(f"# {element}: {mapping.table} to {mapping.resource}\n")
        typer.echo(f"Mapping version {mapping.mapping_version}, key {mapping.key}.\n")
        typer.echo(markdown(mapping), nl=False)
    elif format_ is Format.CSV:
        typer.echo(_as_csv(register(mapping)), nl=False)
    else:
        columns = [asdict(entry) for entry in register(mapping)]
        head = {"element": element, "table": mapping.table, "resource": mapping.resource}
        print_json({**head, "mapping_version": mapping.mapping_version, "columns": columns})


def _as_csv(entries: tuple[Entry, ...]) -> str:
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, Entry.__slots__, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in entries)
    return sheet.getvalue()
