"""A change of one row of a legacy table, as change data capture tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Image: TypeAlias = Mapping[str, Any]
"""A row by column name, as the publisher spells its values."""

UNAVAILABLE = "__debezium_unavailable_value"
"""What Debezium puts in the place of a large value that PostgreSQL did not log again."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a column in a Kafka Connect schema: its semantic name if it has one."""

    name: str
    scale: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One change of one row; without both images nothing is known but the table.

    `before` may be partial: the key alone, or NULL in what was not logged. `is_new` says that there
    was no row before, `is_snapshot` that nothing changed and the row was only read. `position` is
    where the change lies in the database's log, `types` are those of `after`; None when unknown.
    """

    table: str
    schema: str = ""
    before: Image | None = None
    after: Image | None = None
    is_new: bool = False
    is_snapshot: bool = False
    position: int | None = None
    types: Mapping[str, ColumnType] | None = field(default=None, repr=False)

    def is_of(self, table: str) -> bool:
        """Tell whether this is a change of a table; its name may carry its schema."""
        return table in {self.table, f"{self.schema}.{self.table}"}
