"""Capture: triggers that write one outbox row per change of a record, not of a row.

A row of `observations` is a record of its own, or a part of its panel, or none. An event for a row
that is no record would ask Medplum for its tombstone.
"""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from examples.synthea.elements import MAPPINGS
from examples.synthea.elements.observation_panels import KEY
from examples.synthea.elements.observations import ALONE
from sandbox.clinic import capture

_OUTBOX = "INSERT INTO medplum_outbox (table_name, record_key, operation)"
_ROWS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}


def elements_by_table() -> Mapping[str, Sequence[str]]:
    """Tell which elements each table of the outbox is read by."""
    found: dict[str, list[str]] = {}
    for mapping in MAPPINGS:
        found.setdefault(mapping.table, []).append(mapping.element)
    return found


def install(engine: sa.Engine, keyed: Sequence[str], numbered: Sequence[str]) -> None:
    """Create the outbox and all triggers; nothing that is there already is captured."""
    keys = dict.fromkeys(keyed, "Id") | dict.fromkeys(numbered, "rownum")
    del keys["observations"]
    capture.install(engine, keys)
    with engine.begin() as connection:
        for event, rows in _ROWS.items():
            body = " ".join(_alone(row) + _panel(row) for row in rows)
            connection.exec_driver_sql(
                f"CREATE TRIGGER medplum_{event.lower()}_observations"
                f" AFTER {event} ON observations BEGIN {body} END"
            )


def _alone(row: str) -> str:
    there = f"rownum = {row}.rownum"
    return (
        f"{_OUTBOX} SELECT 'observations', {row}.rownum, {_operation(there)}"
        f" WHERE {row}.PANEL = '{ALONE}' AND {row}.CATEGORY <> '';"
    )


def _panel(row: str) -> str:
    key = " || '|' || ".join(f"{row}.{column}" for column in KEY)
    same = " AND ".join(f"{column} = {row}.{column}" for column in KEY)
    return (
        f"{_OUTBOX} SELECT 'observation_panels', {key}, {_operation(same)}"
        f" WHERE {row}.PANEL <> '{ALONE}';"
    )


def _operation(there: str) -> str:
    found = f"EXISTS (SELECT 1 FROM observations WHERE {there})"  # noqa: S608 because names are ours
    return f"CASE WHEN {found} THEN 'upsert' ELSE 'delete' END"
