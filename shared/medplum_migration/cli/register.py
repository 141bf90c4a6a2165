"""`register show|list|concept-maps|profile|digests|diff`: the mapping register and its checks."""

import csv
import io
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from medplum_migration.cli.exit_codes import EXIT_FOUND
from medplum_migration.cli.record_digests import compare_records, digest_lines
from medplum_migration.cli.register_profile import print_profile
from medplum_migration.cli.session import AsJson, Session
from medplum_migration.cli.show import print_json, print_table
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.fhir.canonical import dumps
from medplum_migration.mapping import baseline, concept_maps
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.register import Entry, markdown, register, summary, text
from medplum_migration.verification.blast_radius import Touched
from medplum_migration.verification.profile import ReadsAllColumns, profile
from medplum_migration.verification.reading import records

app = typer.Typer(
    help="What becomes of each legacy column, and what changed.", no_args_is_help=True
)

OneOrAll = Annotated[
    str | None, typer.Argument(help="Data element type; all of them when it is left out.")
]


class Format(StrEnum):
    """How the register is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


@app.command("show")
def show(
    context: typer.Context,
    element: OneOrAll = None,
    *,
    format_: Annotated[
        Format,
        typer.Option("--format", help="Text or Markdown for people, CSV or JSON for programs."),
    ] = Format.TEXT,
) -> None:
    """Print the mapping register: what becomes of every column, and of values that do not fit.

    It is derived from the mapping, so it cannot be out of date.
    https://www.medplum.com/docs/migration/mapping-governance
    """
    mappings = _chosen(context.obj, element)
    if format_ is Format.JSON:
        print_json(baseline.export(mappings))
    elif format_ is Format.CSV:
        typer.echo(_as_csv(mappings), nl=False)
    else:
        render = markdown if format_ is Format.MARKDOWN else text
        typer.echo("\n".join(map(render, mappings)), nl=False)


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show one line per element: version, digest, and how many columns go which way."""
    session: Session = context.obj
    rows = {mapping.element: _overview(mapping) for mapping in _chosen(session, None)}
    if as_json:
        print_json(rows)
        return
    counts = "columns", "mapped", "lossy"
    head = ("element", "resource", "version", "digest", *counts)
    print_table(session.console, head, (_line(name, row, counts) for name, row in rows.items()))


@app.command("concept-maps")
def print_concept_maps(
    context: typer.Context,
    element: OneOrAll = None,
    *,
    base: Annotated[
        str, typer.Option(help="Start of the ConceptMaps' URLs.")
    ] = "https://medplum-migration.example",
) -> None:
    """Print the code tables as a Bundle with a FHIR ConceptMap each, validated."""
    bundle = concept_maps.concept_maps(_chosen(context.obj, element), base)
    typer.echo(dumps(bundle).decode())


@app.command("profile")
def print_profiles(
    context: typer.Context,
    element: OneOrAll = None,
    *,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Only the first N records by key.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count what the legacy columns hold; exit with 1 when somebody must decide something.

    No value is shown, only names and counts.
    """
    session: Session = context.obj
    mappings, legacy = _chosen(session, element), session.wired.legacy
    if isinstance(legacy, ReadsAllColumns):
        legacy = legacy.with_all_columns()
    size = session.wired.settings.page_size
    found = {
        mapping.element: profile(
            mapping, records(legacy, mapping.element, page_size=size, limit=sample)
        )
        for mapping in mappings
    }
    print_profile(session, {m.element: m for m in mappings}, found, as_json=as_json)
    if any(next(one.findings(), None) for one in found.values()):
        raise typer.Exit(EXIT_FOUND)


@app.command("digests")
def print_digests(context: typer.Context, element: OneOrAll = None) -> None:
    """Print, for each record, a keyed hash of what it maps to: a baseline for `diff --records`."""
    for line in digest_lines(context.obj, _chosen(context.obj, element)):
        typer.echo(line)


@app.command("diff")
def diff(
    context: typer.Context,
    before: Annotated[
        Path,
        typer.Argument(help="What `register show --format json` printed before.", dir_okay=False),
    ],
    *,
    records: Annotated[
        Path | None,
        typer.Option(help="What `register digests` printed before.", dir_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the register with an earlier one; exit with 1 when a version was not raised.

    With --records the records are mapped again, and counted by what the change does to them.
    """
    session: Session = context.obj
    mappings = _chosen(session, None)
    found = baseline.changes(_read(before), mappings)
    counted = {} if records is None else dict(compare_records(session, mappings, records))
    if as_json:
        print_json({"changes": [asdict(change) for change in found], "records": counted})
    else:
        _print_changes(session, found, counted)
    if any(change.forgotten for change in found):
        raise typer.Exit(EXIT_FOUND)


def _chosen(session: Session, element: str | None) -> tuple[Mapping[Any], ...]:
    return (
        tuple(session.wired.elements.values()) if element is None else (session.mapping(element),)
    )


def _overview(mapping: Mapping[Any]) -> dict[str, Any]:
    entries = register(mapping)
    counts = {
        "columns": len(entries),
        "mapped": sum(1 for entry in entries if entry.path),
        "lossy": sum(1 for entry in entries if entry.lossy),
    }
    return summary(mapping) | counts


def _line(name: str, row: dict[str, Any], counts: tuple[str, ...]) -> tuple[str, ...]:
    version, digest = str(row["mapping_version"]), row["digest"][:12]
    return (name, row["resource"], version, digest, *(str(row[count]) for count in counts))


def _as_csv(mappings: tuple[Mapping[Any], ...]) -> str:
    sheet = io.StringIO()
    head = ("element", "mapping_version", "digest")
    writer = csv.DictWriter(sheet, (*head, *Entry.__slots__), lineterminator="\n")
    writer.writeheader()
    for mapping in mappings:
        told = summary(mapping)
        common = {name: told[name] for name in head}
        writer.writerows(common | asdict(entry) for entry in register(mapping))
    return sheet.getvalue()


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = "cannot read the file"
        raise ConfigurationError(reason, file=str(path), error=type(error).__name__) from None


def _print_changes(
    session: Session,
    found: tuple[baseline.Change, ...],
    counted: dict[str, dict[Touched, int]],
) -> None:
    for change in found:
        session.say(f"{'! ' if change.forgotten else ''}{change.element}: {change.what}")
        for line in change.lines:
            session.say(f"  {line}")
    if counted:
        rows = ((name, *(str(row[what]) for what in Touched)) for name, row in counted.items())
        print_table(session.console, ("records", *Touched), rows)
    if not found:
        session.say("No mapping has changed.")
    if any(change.forgotten for change in found):
        session.note("Raise mapping_version: what was written before is not written again else.")
