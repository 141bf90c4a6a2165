"""Legacy writes as they travel: thin events by default, full images accepted."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

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

    element: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    key: str = Field(min_length=1, max_length=LONGEST_KEY)
    version: int = Field(ge=0, lt=2**63)
    operation: Operation = Field(strict=False)
    image: dict[str, Any] | None = None

    @property
    def is_thin(self) -> bool:
        """Whether the row must be read from the legacy store."""
        return self.operation is Operation.UPSERT and self.image is None


def read_event(body: str) -> ChangeEvent:
    """Parse a queue message.

    Raises:
        EventError: the message is not a change event; names the fields, never their values.

    """
    try:
        return ChangeEvent.model_validate_json(body)
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
