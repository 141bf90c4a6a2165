"""Capture: the kit's triggers for every element but one, whose records are those of a view.

A panel is made of rows of `observations`. It changes with each of its rows, appears with the first
and goes with the last.
"""

import sqlalchemy as sa

from examples.synthea.elements import MAPPINGS
from examples.synthea.elements.observation_panels import KEY, PanelMapping
from examples.synthea.elements.observations import ALONE
from medplum_migration.adapters.sql_capture import SqlCapture

_ROWS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}


def install(engine: sa.Engine) -> None:
    """Create the tables of capture and all triggers; nothing that is there already is captured."""
    sources = {mapping.element: mapping.source for mapping in MAPPINGS}
    del sources[PanelMapping.element]
    SqlCapture(engine, sources).install()
    with engine.begin() as connection:
        for event, rows in _ROWS.items():
            body = " ".join(map(_panel, rows))
            connection.exec_driver_sql(
                f"CREATE TRIGGER medplum_panel_{event.lower()}"
                f" AFTER {event} ON observations BEGIN {body} END"
            )


def _panel(row: str) -> str:
    key = " || '|' || ".join(f"{row}.{column}" for column in KEY)
    same = " AND ".join(f"{column} = {row}.{column}" for column in KEY)
    found = f"EXISTS (SELECT 1 FROM observations WHERE {same})"  # noqa: S608 because names are ours
    return (
        "INSERT INTO medplum_outbox (element, record_key, operation)"
        f" SELECT '{PanelMapping.element}', {key},"
        f" CASE WHEN {found} THEN 'upsert' ELSE 'delete' END"
        f" WHERE {row}.PANEL <> '{ALONE}';"
    )
