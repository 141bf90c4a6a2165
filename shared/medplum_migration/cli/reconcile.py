"""`reconcile`: compare both stores by identifier and field; writes nothing."""

from typing import Annotated

import typer

from medplum_migration.cli.exit_codes import EXIT_FOUND
from medplum_migration.cli.session import AsJson, Element, Session
from medplum_migration.cli.show import print_json, print_table
from medplum_migration.domain.difference import Difference, Finding
from medplum_migration.domain.identity import keyed_hash
from medplum_migration.runtime.secrets import hash_key

_SHOWN = 50


def reconcile(
    context: typer.Context,
    element: Element,
    *,
    keys: Annotated[
        bool, typer.Option("--keys", help="Name records by legacy key, not by keyed hash.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare every record; exit with 1 when anything differs or is under way."""
    session: Session = context.obj
    session.mapping(element)
    secret = b"" if keys else hash_key(session.wired.settings)

    def name(difference: Difference) -> str:
        return difference.key if keys else keyed_hash(secret, element, difference.key)

    found = session.wired.reconcile(element)()
    if as_json:
        differences = [
            {"record": name(d), "finding": d.finding.value, "paths": list(d.paths)}
            for d in found.differences
        ]
        findings = {finding.value: found.findings[finding] for finding in Finding}
        counts = {"records": found.records, "resources": found.resources}
        print_json({**counts, "findings": findings, "differences": differences})
    else:
        rows = [(finding.value, str(n)) for finding, n in sorted(found.findings.items())]
        print_table(session.console, ("finding", "records"), rows)
        for d in found.differences[:_SHOWN]:
            session.say(" ".join((d.finding.value, name(d), *d.paths)))
        if len(found.differences) > _SHOWN:
            session.note(f"{len(found.differences) - _SHOWN} more; --json tells all.")
    if not found.is_equal:
        raise typer.Exit(EXIT_FOUND)
