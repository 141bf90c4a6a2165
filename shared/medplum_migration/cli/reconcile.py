"""`reconcile`: compare both stores by identifier and field; writes nothing."""

import json

import typer
from rich.table import Table

from medplum_migration.cli.session import AsJson, Element, Session
from medplum_migration.domain.difference import Finding
from medplum_migration.domain.identity import keyed_hash
from medplum_migration.runtime.secrets import hash_key


def reconcile(context: typer.Context, element: Element, *, as_json: AsJson = False) -> None:
    """Compare every record; exit with 1 when anything differs or is under way."""
    session: Session = context.obj
    session.mapping(element)
    found = session.wired.reconcile(element)()
    secret = hash_key(session.wired.settings)
    if as_json:
        told = {
            "records": found.records,
            "resources": found.resources,
            "findings": {finding.value: found.findings[finding] for finding in Finding},
            "differences": [
                {
                    "record_ref": keyed_hash(secret, element, d.key),
                    "finding": d.finding.value,
                    "paths": list(d.paths),
                }
                for d in found.differences
            ],
        }
        session.console.print_json(json.dumps(told))
    else:
        table = Table("finding", "records")
        for finding, number in sorted(found.findings.items()):
            table.add_row(finding.value, str(number))
        session.console.print(table)
        for difference in found.differences:
            ref = keyed_hash(secret, element, difference.key)
            session.console.print(f"{difference.finding.value} {ref} {' '.join(difference.paths)}")
    if not found.is_equal:
        raise typer.Exit(1)
