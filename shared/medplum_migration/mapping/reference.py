"""References between elements: a legacy key to a conditional reference, and back."""

from typing import Any

from medplum_migration.mapping.field import ColumnDisposition, Field
from medplum_migration.mapping.mapping import Mapping


class Reference(Field):
    """The columns that name a record of another element, by that element's key.

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
        to: Mapping[Any],
        part: str = "",
        orphans: bool = False,
        why: str = "",
    ) -> None:
        self.target, self.part, self.orphans = to, part, orphans
        super().__init__(
            columns,
            path,
            self._refer,
            self._key,
            disposition=ColumnDisposition.REFERENCE,
            why=why,
        )

    def _refer(self, *key: object) -> dict[str, Any]:
        made = self.target.refer(*key, part=self.part)
        if self.orphans:
            made["type"] = made.pop("reference").partition("?")[0]
        return made

    def _key(self, reference: dict[str, Any]) -> object:
        return self.target.referred(reference, self.part)
