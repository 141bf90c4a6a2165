"""Legacy records as change events that bring their row along."""

from medplum_migration.domain.change_event import LONGEST_KEY, ChangeEvent, Operation
from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.identity import keyed_hash


def as_change(element: str, record: LegacyRecord, *, hash_key: bytes) -> ChangeEvent:
    """Read a row with its version as a full-image event, and a missing row as a delete.

    A key that no event may have gets a stand-in: what is mapped then carries an identifier that
    is not the event's, and `apply` quarantines it.
    """
    key = record.key
    if not 0 < len(key) <= LONGEST_KEY:
        key = f"(unkeyable {keyed_hash(hash_key, element, key)})"
    return ChangeEvent(
        element=element,
        key=key,
        version=record.version,
        operation=Operation.UPSERT if record.row is not None else Operation.DELETE,
        image=None if record.row is None else dict(record.row),
    )
