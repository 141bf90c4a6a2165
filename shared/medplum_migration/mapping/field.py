"""Dispositions of legacy columns: where a column goes in FHIR, and back, or why it does not."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, NoReturn, TypeAlias

from medplum_migration.mapping import path
from medplum_migration.mapping.path import Steps

Function: TypeAlias = Callable[..., Any]


class ColumnDisposition(StrEnum):
    """What becomes of a column (https://www.medplum.com/docs/migration, mapping governance)."""

    DIRECT = "direct"
    TRANSFORMED = "transformed"
    CONDITIONAL = "conditional"
    ONE_TO_MANY = "one-to-many"
    TERMINOLOGY = "terminology"
    REFERENCE = "reference"
    TRACEABILITY = "traceability only"
    EXCLUDED = "excluded"
    UNSUPPORTED = "unsupported"
    OUT_OF_SCOPE = "out of scope"
    UNDECIDED = "undecided"


class Unmappable(Exception):  # noqa: N818 because it is a finding, turned into a Quarantine
    """A value cannot be mapped; `why` never quotes it. `column` defaults to the field's first."""

    def __init__(self, why: str, *, column: str = "") -> None:
        super().__init__(why)
        self.why, self.column = why, column


def refuse(why: str, *, column: str = "") -> NoReturn:
    """Raise `Unmappable`, cutting the chain: an error below may quote a value."""
    raise Unmappable(why, column=column) from None


class Pair(NamedTuple):
    """The two functions of a field, for `Field(columns, path, *pair)`."""

    to: Function
    back: Function


def same(*values: Any) -> Any:  # noqa: ANN401 because values are those of any column
    """Hand values through."""
    return values[0] if len(values) == 1 else values


def _tuple(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


class Field:
    """Columns that go to paths.

    `to` gets the columns' values and returns the value at the path, or a tuple with one value per
    path; None writes nothing. `back` is its inverse and gets None for what is absent. `to` is not
    called when all columns are missing.
    """

    def __init__(  # noqa: PLR0913 because a declaration reads as one line
        self,
        columns: str | tuple[str, ...],
        path: str | tuple[str, ...],
        to: Function = same,
        back: Function = same,
        *,
        disposition: ColumnDisposition | None = None,
        lossy: bool = False,
        why: str = "",
    ) -> None:
        self.columns, self.paths = _tuple(columns), _tuple(path)
        self.to, self.back = to, back
        self.lossy, self.why = lossy, why
        self.disposition = disposition or self._inferred()

    def bind(self, owner: type) -> None:
        """Learn which mapping class the field belongs to."""

    @property
    def codes(self) -> Any:  # noqa: ANN401 because a code table imports this module
        """The code table whose method translates, if one does."""
        owner = getattr(self.to, "__self__", None)
        return owner if hasattr(owner, "concept_map") else None

    def _inferred(self) -> ColumnDisposition:
        if self.codes is not None:
            return ColumnDisposition.TERMINOLOGY
        if len(self.paths) > 1:
            return ColumnDisposition.ONE_TO_MANY
        return ColumnDisposition.DIRECT if self.to is same else ColumnDisposition.TRANSFORMED

    @cached_property
    def steps(self) -> tuple[Steps, ...]:
        """The parsed paths."""
        return tuple(path.parse(text) for text in self.paths)

    @cached_property
    def alone(self) -> str | None:
        """The column whose value goes to the path as it is; None when functions are called."""
        return self.columns[0] if self.to is same and len(self.columns) == 1 else None

    def forward(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Compute one value per path; None is absent.

        Raises:
            Unmappable: names a column and says why.

        """
        if all(value is None for value in values):
            return (None,) * len(self.paths)
        try:
            made = self.to(*values)
        except Unmappable as found:
            found.column = found.column or self.columns[0]
            raise
        return made if len(self.paths) > 1 else (made,)

    def backward(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Compute one value per column from one value per path.

        Raises:
            Unmappable: the resource holds what the columns cannot.

        """
        if all(value is None for value in values):
            return (None,) * len(self.columns)
        made = self.back(*values)
        return made if len(self.columns) > 1 else (made,)


@dataclass(frozen=True, slots=True)
class Constant:
    """A value without a column; inside a list item only when a field has made the item."""

    path: str
    value: Any
    why: str = ""


class Unmapped:
    """Columns that are not read, and why."""

    disposition: ClassVar[ColumnDisposition]

    def __init__(self, *columns: str, why: str) -> None:
        self.columns, self.why = columns, why


class Excluded(Unmapped):
    """Not clinical, or never filled in."""

    disposition = ColumnDisposition.EXCLUDED


class TraceabilityOnly(Unmapped):
    """Stays findable in the legacy record and its versions, not in FHIR."""

    disposition = ColumnDisposition.TRACEABILITY


class Unsupported(Unmapped):
    """Clinical, but without a reviewed place in FHIR yet."""

    disposition = ColumnDisposition.UNSUPPORTED


class OutOfScope(Unmapped):
    """Belongs to an element that is migrated elsewhere or later."""

    disposition = ColumnDisposition.OUT_OF_SCOPE


class Undecided(Unmapped):
    """In the row model, but nobody has said yet what becomes of them: nothing runs until then."""

    disposition = ColumnDisposition.UNDECIDED

    def __init__(self, *columns: str) -> None:
        super().__init__(*columns, why="nobody has decided yet")
