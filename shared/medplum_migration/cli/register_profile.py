"""What `register profile` prints: a table per element, and a line for what must be decided."""

from collections.abc import Mapping
from typing import Any

from medplum_migration.cli.session import Session
from medplum_migration.cli.show import print_json, print_table
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.verification.profile import ColumnProfile, Profile

_HEADER = "column", "disposition", "populated", "null", "blank", "sentinel", "distinct", ""
_WHOLE, _LEAST = 100, 0.1


def print_profile(
    session: Session,
    mappings: Mapping[str, ElementMapping[Any]],
    found: Mapping[str, Profile],
    *,
    as_json: bool,
) -> None:
    """Print what a pass found for each element."""
    if as_json:
        print_json({element: as_dict(one) for element, one in found.items()})
        return
    for element, one in found.items():
        session.say(f"{element}: {_records(one)}")
        print_table(session.console, _HEADER, (_line(c, one.records) for c in one.columns))
        for finding in one.findings():
            session.say(f"! {finding}")
        _note(session, mappings[element], one)


def as_dict(found: Profile) -> dict[str, Any]:
    """Render for programs; keys are stable."""
    return {
        "records": found.records,
        "keys": {
            "compared": found.keys.compared,
            "nearly_alike": found.keys.nearly_alike,
            "encoded": found.keys.encoded,
        },
        "columns": [_column(column) for column in found.columns],
        "findings": list(found.findings()),
    }


def _column(column: ColumnProfile) -> dict[str, Any]:
    names = ("column", "disposition", "populated", "null", "blank", "sentinel", "distinct")
    told = {name: getattr(column, name) for name in names}
    return told | {"codes": column.codes, "outside": column.outside, "dropped": column.is_dropped}


def _records(found: Profile) -> str:
    keys = found.keys
    return (
        f"{found.records} records; keys: {keys.nearly_alike} nearly alike, {keys.encoded} encoded"
    )


def _line(column: ColumnProfile, records: int) -> tuple[str, ...]:
    counts = (column.populated, column.null, column.blank, column.sentinel)
    rates = (_rate(count, records) for count in counts)
    mark = "dropped" if column.is_dropped else ""
    if column.outside:
        mark = f"{column.outside} unknown codes"
    return (column.column, column.disposition, *rates, column.distinct, mark)


def _rate(count: int, records: int) -> str:
    """Tell a share in percent; a few of many are not none."""
    share = _WHOLE * count / records
    if not count:
        return "-"
    return f"<{_LEAST}%" if share < _LEAST else f"{share:.1f}%"


def _note(session: Session, mapping: ElementMapping[Any], found: Profile) -> None:
    dropped = sum(1 for column in found.columns if column.is_dropped)
    if dropped:
        session.note(f"{mapping.element}: {dropped} columns hold data and are not mapped.")
    unread = len(mapping.columns - {column.column for column in found.columns})
    if unread and found.records:
        session.note(f"{mapping.element}: {unread} columns were not read by this legacy store.")
