"""What a change of a table's row means for one element: hints to read again, or full images.

Without its log position a change says only which records may have changed. As full images changes
come without any read of the legacy store, and their log position is the version: the scale must be
the same for all versions of a record, so that a row that was only read by a snapshot has version 0.
"""

from collections.abc import Iterator
from typing import Any

from medplum_migration.domain.change_event import ChangeEvent, Hint, Operation, read_event
from medplum_migration.domain.debezium_values import plain
from medplum_migration.domain.errors import EventError
from medplum_migration.domain.row_change import UNAVAILABLE, Image, RowChange
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.source import PRESENT, Condition, join_key


def hints(mapping: Mapping[Any], change: RowChange) -> list[Hint]:
    """Name the element's records that the change may concern.

    Raises:
        EventError: the change does not tell the key.

    """
    return [
        Hint(mapping.element, key, is_captured=is_member is True and not change.is_snapshot)
        for key, is_member, _ in _concerned(mapping, change)
    ]


def images(mapping: Mapping[Any], change: RowChange) -> list[ChangeEvent]:
    """Make full-image events, with the log position as version.

    Raises:
        EventError: one row is not the whole record, or the change lacks its position, its types, a
            value, or what tells whether the row is one of the element.

    """
    if mapping.joins or mapping.children:
        reason = "the record has rows in several tables, and an image has one"
        raise EventError(reason, element=mapping.element)
    version = 0 if change.is_snapshot else change.position
    if version is None:
        reason = "the change has no log position to use as version"
        raise EventError(reason, element=mapping.element)
    events = []
    for key, _, stays in _concerned(mapping, change):
        if stays is None:
            reason = "the image does not tell whether the row is one of the element"
            raise EventError(reason, element=mapping.element, fields=" ".join(mapping.where))
        operation = Operation.UPSERT if stays else Operation.DELETE
        image = _image(mapping, change) if stays else None
        told = {"element": mapping.element, "key": key, "version": version, "image": image}
        events.append(read_event({**told, "operation": operation}))
    return events


def _concerned(
    mapping: Mapping[Any], change: RowChange
) -> Iterator[tuple[str, bool | None, bool | None]]:
    """Give keys of records that were or are the element's, whether surely, and whether they stay.

    A row that met the conditions neither before nor after is no record of the element. Where the
    row before is not known, it may have been one.
    """
    was = False if change.is_new else _meets(mapping, change.before, is_whole=False)
    old = None if change.is_new else _key(mapping, change.before)
    if change.after is None:
        if old is None:
            reason = "the change does not tell the key of its row"
            raise EventError(reason, element=mapping.element, fields=" ".join(mapping.source.keys))
        if was is not False:
            yield old, was, False
        return
    stays, key = _meets(mapping, change.after, is_whole=True), _key(mapping, change.after)
    if key is None:
        reason = "the change does not tell the key of its row"
        raise EventError(reason, element=mapping.element, fields=" ".join(mapping.source.keys))
    is_moved = old is not None and old != key
    if stays is not False or (was is not False and not is_moved):
        yield key, True if stays else None if is_moved else was, stays
    if is_moved and old is not None and was is not False:
        yield old, was, False


def _key(mapping: Mapping[Any], row: Image | None) -> str | None:
    parts = [(row or {}).get(column) for column in mapping.source.keys]
    if not all(isinstance(part, str | int) and not isinstance(part, bool) for part in parts):
        return None
    return join_key([str(part) for part in parts])


def _meets(mapping: Mapping[Any], row: Image | None, *, is_whole: bool) -> bool | None:
    """Tell whether a row meets the element's conditions; None when that is not known.

    NULL in a row that is not whole may stand for a value that was not logged.
    """
    met: bool | None = True
    for column, condition in mapping.where.items():
        value = (row or {}).get(column, UNAVAILABLE)
        known = value != UNAVAILABLE and (is_whole or value is not None)
        one = _is(value, condition) if known else None
        if one is False:
            return False
        met = met and one
    return met


def _is(value: object, condition: Condition) -> bool | None:
    """Compare as the database may: whether case and blanks at the end count, its collation says."""
    if condition is PRESENT:
        return value is not None and value != ""
    wanted = condition if isinstance(condition, tuple) else (condition,)
    texts = [str(one) for one in wanted]
    found = str(int(value) if isinstance(value, bool) else value)
    if value is None or found in texts:
        return value is not None
    folded = [text.casefold().rstrip() for text in texts]
    return None if found.casefold().rstrip() in folded else False


def _image(mapping: Mapping[Any], change: RowChange) -> dict[str, object]:
    """Spell the row as the legacy store would give it, under the names of the row model."""
    source, row = mapping.source, change.after or {}
    if change.types is None:
        reason = "an image needs the types of its columns: enable the converter's schemas"
        raise EventError(reason, element=mapping.element)
    image: dict[str, object] = {}
    for name in source.columns or ():
        column = source.aliases.get(name, name)
        kind = change.types.get(column)
        if kind is None or column not in row or row[column] == UNAVAILABLE:
            reason = "the image lacks a column, or a value that was not logged"
            raise EventError(reason, element=mapping.element, fields=column)
        try:
            image[name] = plain(row[column], kind)
        except ValueError as error:
            raise EventError(str(error), element=mapping.element, fields=column) from None
    return image
