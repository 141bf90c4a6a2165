"""References between elements: a legacy key to a conditional reference, and back."""

from enum import Enum
from typing import Any, Final

from medplum_migration.mapping.field import ColumnDisposition, Field
from medplum_migration.mapping.mapping import Mapping


class Itself(Enum):
    """The element that a reference is declared in."""

    ITSELF = "itself"


ITSELF: Final = Itself.ITSELF


class Reference(Field):
    """The columns that name a record of another element, by that element's key, or `to=ITSELF`.

    The engine replaces the conditional reference by `Patient/<id>` before it sends; a record that
    names a parent which does not exist is quarantined. With `orphans` it stays a reference by
    identifier instead (https://hl7.org/fhir/R4/references.html#logical). Views and the way back go
    by the identifier.
    """

    def __init__(  # noqa: PLR0913 because a declaration reads as one line
        self,
        columns: str | tuple[str, ...],
        path: str,
        *,
        to: Mapping[Any] | Itself,
        part: str = "",
        orphans: bool = False,
        why: str = "",
    ) -> None:
        self.target = to if isinstance(to, Mapping) else None
        self.part, self.orphans = part, orphans
        super().__init__(
            columns,
            path,
            self._refer,
            self._key,
            disposition=ColumnDisposition.REFERENCE,
            why=why,
        )

    def bind(self, owner: type[Mapping[Any]]) -> None:
        """Lead to the mapping's own element, unless another one was named."""
        self.target = self.target or owner()

    def _refer(self, *key: object) -> dict[str, Any]:
        made = self._target().refer(*key, part=self.part)
        if self.orphans:
            made["type"] = made.pop("reference").partition("?")[0]
        return made

    def _key(self, reference: dict[str, Any]) -> object:
        return self._target().referred(reference, self.part)

    def _target(self) -> Mapping[Any]:
        if self.target is None:
            message = "a reference to its own element is used outside a mapping"
            raise TypeError(message)
        return self.target
