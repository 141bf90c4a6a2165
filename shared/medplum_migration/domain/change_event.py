"""Legacy writes as they travel: thin events by default, full images accepted."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medplum_migration.domain.errors import EventError

LONGEST_KEY = 256


class Operation(StrEnum):
    """What happened to the record."""

    UPSERT = "upsert"
    DELETE = "delete"


class ChangeEvent(BaseModel):
    """One committed change of one legacy record.

    `version` grows with every committed change of the record. Without `image` the event is thin and
    the row is read when the event is applied. A delete needs no image: its version says all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, strict=True)

    element: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,62}$", description="Data element type, such as `patients`."
    )
    key: str = Field(
        min_length=1,
        max_length=LONGEST_KEY,
        description="Key of the record in the legacy store; of several columns, joined by `|`.",
    )
    version: int = Field(
        ge=0, lt=2**63, description="Grows with every committed change of the record."
    )
    operation: Operation = Field(strict=False)
    image: dict[str, Any] | None = Field(
        default=None, description="The row by column name; without it the row is read."
    )

    @property
    def is_thin(self) -> bool:
        """Whether the row must be read from the legacy store."""
        return self.operation is Operation.UPSERT and self.image is None


class Hint(NamedTuple):
    """A record that may have changed: it is read, and the version that was read decides.

    `is_captured` says that the record is one of the element and was changed, so that the legacy
    store must know a version of it.
    """

    element: str
    key: str
    is_captured: bool


def read_event(told: str | Mapping[str, Any]) -> ChangeEvent:
    """Read JSON text, or an object read from it.

    Raises:
        EventError: it is not a change event; names the fields, never their values.

    """
    try:
        if isinstance(told, str):
            return ChangeEvent.model_validate_json(told)
        return ChangeEvent.model_validate(told)
    except ValidationError as error:
        known = (str(e["loc"][0]) if e["loc"] else "" for e in error.errors())
        names = {name if name in ChangeEvent.model_fields else "body" for name in known}
        fields = ", ".join(sorted(names))
        reason = "not a change event"
        raise EventError(reason, fields=fields) from None


def fold(events: Iterable[ChangeEvent]) -> list[ChangeEvent]:
    """Keep the highest version of each record, in order of first appearance."""
    newest: dict[tuple[str, str], ChangeEvent] = {}
    for event in events:
        held = newest.get((event.element, event.key))
        if held is None or event.version > held.version:
            newest[event.element, event.key] = event
    return list(newest.values())
