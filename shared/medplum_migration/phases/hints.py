"""Changes of rows for one element in, change events out: by reading the records, or as images."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from medplum_migration.domain.change_event import ChangeEvent, Hint
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import EventError
from medplum_migration.domain.row_change import RowChange
from medplum_migration.mapping import row_change
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.phases.deferral import count_deferred
from medplum_migration.phases.image import as_change
from medplum_migration.phases.target import Target

Received: TypeAlias = tuple[str, ChangeEvent | RowChange]
"""The id of a queue message, and what it holds for one element."""


def resolve(
    received: Sequence[Received], mapping: Mapping[Any], target: Target, *, images: bool
) -> tuple[list[tuple[str, ChangeEvent]], list[str]]:
    """Turn changes of rows into events; return them, and the ids of messages that are refused.

    Raises:
        UnavailableError: the legacy store does not answer.
        ConfigurationError: it cannot be read as the mapping says.

    """
    events: list[tuple[str, ChangeEvent]] = []
    hinted: list[tuple[str, Hint]] = []
    refused: list[str] = []
    for message_id, item in received:
        if isinstance(item, ChangeEvent):
            events.append((message_id, item))
            continue
        try:
            if images:
                events += [(message_id, event) for event in row_change.images(mapping, item)]
            else:
                hinted += [(message_id, hint) for hint in row_change.hints(mapping, item)]
        except EventError as error:
            refused.append(message_id)
            count_deferred(target.telemetry, [error])
            target.telemetry.problem("dual_write.refused", reason=str(error))
    read, uncaptured = _read(hinted, mapping, target)
    return [*events, *read], [*refused, *uncaptured]


def _read(
    hinted: Sequence[tuple[str, Hint]], mapping: Mapping[Any], target: Target
) -> tuple[list[tuple[str, ChangeEvent]], list[str]]:
    """Read the records that may have changed; their own versions decide, as in a backfill.

    A record that neither exists nor has a version never was one of the element.
    """
    keys = list(dict.fromkeys(hint.key for _, hint in hinted))
    found = target.legacy.read(mapping.element, keys) if keys else []
    records = {record.key: record for record in found}
    events: list[tuple[str, ChangeEvent]] = []
    uncaptured: list[str] = []
    for message_id, hint in hinted:
        record = records[hint.key]
        if hint.is_captured and not record.version:
            uncaptured.append(message_id)
            reason = "the legacy store knows no version of a changed record: is capture on?"
            count_deferred(target.telemetry, [EventError(reason)])
            target.telemetry.problem("dual_write.refused", element=mapping.element, reason=reason)
        elif _is_or_was(record):
            change = as_change(mapping.element, record, hash_key=target.hash_key)
            events.append((message_id, change))
    return events, uncaptured


def _is_or_was(record: LegacyRecord) -> bool:
    return record.row is not None or record.version > 0
