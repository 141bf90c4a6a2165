"""What a change of a row means for one element: the records it concerns, or their images."""

from collections.abc import Mapping as Dict
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import BaseModel

from medplum_migration.domain.change_event import ChangeEvent, Hint, Operation
from medplum_migration.domain.errors import EventError
from medplum_migration.domain.row_change import UNAVAILABLE, ColumnType, RowChange
from medplum_migration.mapping import row_change
from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.source import PRESENT, Condition, Join

TYPES = {
    "id": ColumnType("int64"),
    "class": ColumnType("string"),
    "begun": ColumnType("io.debezium.time.Date"),
}


class IssueRow(BaseModel):
    """Columns of a table that several elements share."""

    id: int
    kind: str | None
    begun: str | None


class IssueMapping(Mapping[IssueRow]):
    """The rows of one kind."""

    element, resource, row = "issues", "Condition", IssueRow
    table, key, system = "lists", "id", "https://example.org/id/issues"
    where = MappingProxyType({"class": "problem"})
    aliases = MappingProxyType({"kind": "class"})
    fields = (
        Field("kind", "code.text"),
        Field("begun", "onsetDateTime"),
    )


class JoinedMapping(IssueMapping):
    """Records that need another table."""

    element = "joined_issues"
    joins = (Join("extra", on={"id": "id"}),)


class PartMapping(Mapping[IssueRow]):
    """Records named by two columns, all of the table."""

    element, resource, row = "issue_parts", "Condition", IssueRow
    table, key, system = "lists", ("id", "begun"), "https://example.org/id/parts"
    fields = (Field("kind", "code.text"),)


ISSUES = IssueMapping()


def row(kind: str | None = "problem", number: object = 1, **more: object) -> dict[str, Any]:
    """Make a row."""
    return {"id": number, "class": kind, "begun": 3711, **more}


def change(before: Dict[str, Any] | None, after: Dict[str, Any] | None, **told: Any) -> RowChange:
    """Make a change at a position."""
    known: dict[str, Any] = {"position": 9, "types": TYPES} | told
    return RowChange(table="lists", before=before, after=after, **known)


SURE, MAYBE = Hint("issues", "1", is_captured=True), Hint("issues", "1", is_captured=False)
NULLS = row(None, begun=None)


@pytest.mark.parametrize(
    ("told", "hints"),
    [
        (change(None, row(), is_new=True), [SURE]),
        (change(None, row("allergy"), is_new=True), []),
        (change(None, row(), is_new=True, is_snapshot=True), [MAYBE]),
        (change(row(), row()), [SURE]),
        (change(row("allergy"), row()), [SURE]),
        (change(row(), row("allergy")), [SURE]),
        (change(row("allergy"), row("allergy")), []),
        (change(None, row("allergy")), [MAYBE]),
        (change(None, row(None)), [MAYBE]),
        (change(None, {"id": 1}), [MAYBE]),
        (change(None, row("Problem ")), [MAYBE]),
        (change(None, row(UNAVAILABLE)), [MAYBE]),
        (change(row(), None), [SURE]),
        (change(row("allergy"), None), []),
        (change(NULLS, None), [MAYBE]),
        (change({"id": 1}, None), [MAYBE]),
        (change(row(number=2), row()), [SURE, Hint("issues", "2", is_captured=True)]),
        (change({"id": 2}, row()), [SURE, Hint("issues", "2", is_captured=False)]),
        (change(row("allergy", 2), row()), [SURE]),
        (change(row(number=2), row("allergy")), [Hint("issues", "2", is_captured=True)]),
        (change(row(number=2), row("Problem")), [MAYBE, Hint("issues", "2", is_captured=True)]),
    ],
)
def test_hints_name_the_records_that_may_have_changed(told: RowChange, hints: list[Hint]) -> None:
    """A row that met the conditions neither before nor after concerns nobody."""
    assert hints == row_change.hints(ISSUES, told)


@pytest.mark.parametrize(
    ("condition", "value", "is_concerned"),
    [
        (PRESENT, "x", True),
        (PRESENT, "", False),
        (PRESENT, None, False),
        ((1, 2), 2, True),
        ((1, 2), 3, False),
        (1, True, True),
        (1, False, False),
        (1, "1", True),
    ],
)
def test_every_condition_is_understood(
    monkeypatch: pytest.MonkeyPatch, condition: Condition, value: object, *, is_concerned: bool
) -> None:
    """Presence, one of several values, and truth that the database holds as a number."""
    monkeypatch.setattr(IssueMapping, "where", {"class": condition, "id": 1})
    told = change(None, {"id": 1, "class": value}, is_new=True)

    assert is_concerned == bool(row_change.hints(ISSUES, told))


def test_a_composite_key_is_joined() -> None:
    """As the legacy store spells it."""
    told = change(None, {"id": 1, "begun": "a|b"}, is_new=True)

    assert [Hint("issue_parts", "1|a~7cb", is_captured=True)] == row_change.hints(
        PartMapping(), told
    )


@pytest.mark.parametrize("number", [None, True, 1.0, {"Jane": 1}])
@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_change_without_a_key_is_refused(number: object, *, is_deleted: bool) -> None:
    """The key column is named, what it holds is not."""
    images = (row(number=number), None) if is_deleted else (None, row(number=number))
    with pytest.raises(EventError, match="fields=id") as caught:
        row_change.hints(ISSUES, change(*images))

    assert "Jane" not in str(caught.value)


def event(operation: Operation, version: int = 9, **image: object) -> ChangeEvent:
    """Make an event of record 1."""
    held = image or None
    return ChangeEvent(element="issues", key="1", version=version, operation=operation, image=held)


UPSERT = event(Operation.UPSERT, id=1, kind="problem", begun="1980-02-29")


@pytest.mark.parametrize(
    ("told", "events"),
    [
        (change(None, row(), is_new=True), [UPSERT]),
        (change(None, row("allergy"), is_new=True), []),
        (change(row("allergy"), row("allergy")), []),
        (change(row(), row("allergy")), [event(Operation.DELETE)]),
        (change(None, row("allergy")), [event(Operation.DELETE)]),
        (change(NULLS, None), [event(Operation.DELETE)]),
        (change(row("allergy"), None), []),
        (
            change(row(number=2), row()),
            [UPSERT, event(Operation.DELETE).model_copy(update={"key": "2"})],
        ),
    ],
)
def test_images_are_events_at_their_log_position(
    told: RowChange, events: list[ChangeEvent]
) -> None:
    """A row that left the element is deleted; one that never was there leaves no tombstone."""
    assert events == row_change.images(ISSUES, told)


def test_a_row_that_a_snapshot_read_has_version_0() -> None:
    """A transaction that it did not see may have changed the row at a lower position."""
    told = change(None, row(), is_new=True, is_snapshot=True, position=None)

    assert [0] == [made.version for made in row_change.images(ISSUES, told)]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (change(None, row(), position=None), "log position"),
        (change(None, row(), types=None), "enable the converter's schemas"),
        (change(None, row(begun=UNAVAILABLE)), "fields=begun"),
        (change(None, {"id": 1, "class": "problem"}), "fields=begun"),
        (change(None, row(), types={"id": ColumnType("int64")}), "fields="),
        (change(None, row(begun="Jane")), "not a value of its type"),
        (change(None, row("Problem")), "does not tell whether.*fields=class"),
    ],
)
def test_an_image_that_may_be_read_wrongly_is_refused(told: RowChange, why: str) -> None:
    """Columns are named, values are not."""
    with pytest.raises(EventError, match=why) as caught:
        row_change.images(ISSUES, told)

    assert "Jane" not in str(caught.value)


def test_an_image_of_one_table_is_not_a_record_of_several() -> None:
    """What other tables add would be missing, and the parts that are there would be taken away."""
    with pytest.raises(EventError, match="several tables"):
        row_change.images(JoinedMapping(), change(None, row(), is_new=True))
