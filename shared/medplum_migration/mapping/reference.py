"""References between elements: a legacy key to a conditional reference, and back."""

from typing import Any

from medplum_migration.domain.identity import Identifier, encode_key
from medplum_migration.mapping.field import ColumnDisposition, Field, refuse
from medplum_migration.mapping.mapping import Mapping


class Reference(Field):
    """A column that names a record of another element, by that element's key.

    Writes `{"reference": "Patient?identifier=…", "identifier": {…}}`. The engine replaces
    `reference` by `Patient/<id>` before it sends; views and the way back go by `identifier`.
    """

    def __init__(self, column: str, path: str, *, to: Mapping[Any], why: str = "") -> None:
        self.target = to
        super().__init__(
            column,
            path,
            self._refer,
            self._key,
            disposition=ColumnDisposition.REFERENCE,
            why=why,
        )

    def _refer(self, key: object) -> dict[str, Any]:
        held = Identifier(self.target.system, encode_key(str(key)))
        return {
            "reference": f"{self.target.resource}?identifier={held.token()}",
            "identifier": {"system": held.system, "value": held.value},
        }

    def _key(self, reference: dict[str, Any]) -> object:
        held = reference.get("identifier", {})
        if held.get("system") != self.target.system:
            refuse(f"the reference does not name a record of {self.target.element}")
        return self.target.declaration.key.back(held["value"])
