"""`check`: are the mappings sound, and do they fit the legacy store as it is."""

from collections import Counter
from typing import Annotated, Any

import typer

from medplum_migration.cli.session import Session
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.mapping.mapping import Mapping, Quarantine


def check(
    context: typer.Context,
    *,
    sample: Annotated[
        int,
        typer.Option(min=0, help="Records to map and validate per element; 0 skips the store."),
    ] = 0,
) -> None:
    """Load every mapping, and try it on a sample of real records; exit with 1 on any finding.

    Loading proves that each column has a disposition. A sample proves that the legacy table has no
    column without one, that what is mapped is valid FHIR, and that mapping twice gives the same.
    """
    session: Session = context.obj
    clean = True
    for element, mapping in session.wired.elements.items():
        findings = _check_on_store(session, mapping, sample) if sample else Counter[str]()
        clean = clean and not findings
        columns = f"{len(mapping.columns)} columns, {len(mapping.columns_read)} read"
        session.console.print(f"{element}: {mapping.resource}, {columns}", highlight=False)
        for finding, number in sorted(findings.items()):
            session.console.print(f"  {number} x {finding}", highlight=False)
    if not clean:
        raise typer.Exit(1)


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
    """Map one record as the write protocol does; tell what is wrong without its values."""
    from medplum_migration.fhir.strict import validate

    row = dict(record.row or {})
    mapped = mapping.to_fhir(row)
    if isinstance(mapped, Quarantine):
        return f"column {mapped.column}: {mapped.why}"
    if mapped != mapping.to_fhir(row):
        return "mapping the same row twice gives different resources"
    try:
        for resource in mapped:
            validate(resource)
    except InvalidResourceError as error:
        return f"path {error.path}: {error.reason}"
    return ""
