"""Change events: what is accepted from a queue, and how many fold into one."""

import pytest

from medplum_migration.domain.change_event import ChangeEvent, Operation, fold, read_event
from medplum_migration.domain.errors import EventError
from tests.unit.medplum_migration.domain.generate_schema import SCHEMA, schema


def event(key: str, version: int, element: str = "people") -> ChangeEvent:
    """Make a thin event."""
    return ChangeEvent(element=element, key=key, version=version, operation=Operation.UPSERT)


def test_a_thin_event_is_read() -> None:
    """Element, key, version and operation are all that travels."""
    body = '{"element":"people","key":"1","version":2,"operation":"upsert"}'

    assert event("1", 2) == read_event(body)
    assert read_event(body).is_thin


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body"),
        ("[]", "body"),
        ('{"element":"people","key":"1","version":2,"operation":"merge"}', "operation"),
        ('{"element":"people","key":"","version":2,"operation":"upsert"}', "key"),
        ('{"element":"people","key":"1","version":-1,"operation":"upsert"}', "version"),
        ('{"element":"people","key":"1","version":1.0,"operation":"upsert"}', "version"),
        ('{"element":"PEOPLE","key":"1","version":1,"operation":"upsert"}', "element"),
        ('{"element":"people","key":1,"version":1,"operation":"upsert"}', "key"),
        ('{"element":"people","key":"1","version":1,"operation":"upsert","Jane":1}', "body"),
    ],
)
def test_what_is_no_event_is_told_by_field(body: str, field: str) -> None:
    """The error names the field and quotes nothing."""
    with pytest.raises(EventError) as caught:
        read_event(body)

    assert field in str(caught.value)
    assert "Jane" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_folding_keeps_the_newest_of_each_record() -> None:
    """One event per record stays, whatever the order of arrival."""
    events = [event("1", 2), event("2", 9), event("1", 5), event("1", 3), event("1", 1, "pets")]

    assert [event("1", 5), event("2", 9), event("1", 1, "pets")] == fold(events)


def test_a_delete_is_never_thin() -> None:
    """A delete's version says all there is to know."""
    gone = ChangeEvent(element="people", key="1", version=1, operation=Operation.DELETE)

    assert not gone.is_thin


def test_the_published_schema_is_that_of_the_model() -> None:
    """Publishers check their messages against the page; see generate_schema.py after a change."""
    assert schema() == SCHEMA.read_text()
