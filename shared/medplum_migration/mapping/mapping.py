"""Mapping: one declaration per data element type; both directions are derived from it."""

from collections import abc
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import MappingError
from medplum_migration.domain.identity import Identifier, encode_key
from medplum_migration.mapping import merge, path
from medplum_migration.mapping.columns import REFUSED, written_when_missing
from medplum_migration.mapping.declaration import DELETED, TAG_SYSTEM, Declaration, declare
from medplum_migration.mapping.field import Constant, Field, Unmappable, Unmapped, refuse
from medplum_migration.mapping.view import canonical

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True)
class Quarantine:
    """A record that cannot be mapped: which column, and why, without its value."""

    key: str
    column: str
    why: str


class Mapping(Generic[Row]):
    """Base of mappings; a subclass sets the attributes and may refine `enrich`.

    `deleted` holds path and value of what a tombstone says besides its tag; `owns` names paths
    that only `enrich` writes. `mapping_version` grows with each change of meaning.
    """

    element: str
    resource: str
    row: type[Row]
    table: str
    key: str
    system: str
    mapping_version: int = 1
    fields: tuple[Field | Constant | Unmapped, ...]
    deleted: ClassVar[abc.Mapping[str, Any]] = {}
    owns: tuple[str, ...] = ()
    declaration: ClassVar[Declaration]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.declaration = declare(cls)

    @property
    def columns(self) -> frozenset[str]:
        """All columns with a disposition: those of the row model, and those not read."""
        return self.declaration.columns

    @property
    def columns_read(self) -> frozenset[str]:
        """The columns of the row model."""
        return self.declaration.columns_read

    def identifiers(self, key: str) -> tuple[Identifier, ...]:
        """Name every identifier that resources of the record carry."""
        return (Identifier(self.system, encode_key(key)),)

    def enrich(self, row: Row, resource: Resource) -> Resource:
        """Refine a mapped resource; may raise `Unmappable` with a column."""
        del row
        return resource

    def to_fhir(self, row: abc.Mapping[str, object]) -> tuple[Resource, ...] | Quarantine:
        """Map a row, as the driver gives it, or say why not."""
        parsed = self.parse(row)
        if isinstance(parsed, Quarantine):
            return parsed
        try:
            built = self.declaration.builder.build(self.resource, parsed.__dict__)
            return (self.enrich(parsed, built),)
        except Unmappable as found:
            return Quarantine(str(getattr(parsed, self.key)), found.column, found.why)

    def parse(self, row: abc.Mapping[str, object]) -> Row | Quarantine:
        """Read a row into the row model."""
        try:
            return self.row.model_validate(dict(row))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            ours = first["type"] == REFUSED
            why = first["msg"] if ours else f"does not fit the row model: {first['type']}"
            return Quarantine(str(row.get(self.key, "")), str(first["loc"][0]), why)

    def merge(self, current: Resource | None, mapped: Resource) -> Resource:
        """Lay a mapped resource or a tombstone over the current one, keeping what is not ours."""
        return merge.merge(current, mapped, self.declaration.owned)

    def tombstone(self, key: str) -> tuple[Resource, ...]:
        """Say that the record is deleted in the source; depends on the key only."""
        resource: Resource = {"resourceType": self.resource}
        path.write(resource, self.declaration.key.steps[0], encode_key(key))
        for text, value in self.deleted.items():
            path.write(resource, path.parse(text), path.copy(value))
        resource["meta"] = {"tag": [{"system": TAG_SYSTEM, "code": DELETED}]}
        return (resource,)

    def from_fhir(
        self, resource: Resource, base_row: abc.Mapping[str, object]
    ) -> dict[str, object]:
        """Write a resource back over a row; a column whose view is unchanged stays as it is.

        Raises:
            MappingError: the resource says something that the columns cannot hold.

        """
        parsed = self.parse(base_row)
        row = dict(base_row)
        for field in self.declaration.fields:
            held = self._held(field, resource)
            if isinstance(parsed, Quarantine) or held != _base(field, parsed):
                row.update(self._columns(field, resource))
        return row

    def _held(self, field: Field, resource: Resource) -> tuple[Any, ...]:
        return tuple(canonical(list(path.read(resource, steps))) for steps in field.steps)

    def _columns(self, field: Field, resource: Resource) -> dict[str, object]:
        found = [list(path.read(resource, steps)) for steps in field.steps]
        try:
            values = field.backward(tuple(_only(held) for held in found))
        except Unmappable as error:
            raise MappingError(
                element=self.element, path=field.paths[0], reason=error.why
            ) from None
        return {
            column: written_when_missing(self.row, column) if value is None else value
            for column, value in zip(field.columns, values, strict=True)
        }

    def view(self, resource: Resource) -> dict[str, object]:
        """Show what the mapping owns in a resource: path to canonical value, absent left out."""
        shown = {}
        for owned in self.declaration.owned:
            values = [canonical(value) for value in path.read(resource, owned.steps)]
            if values:
                shown[owned.path] = values[0] if len(values) == 1 else ("several", *values)
        return shown


def _base(field: Field, row: BaseModel) -> tuple[Any, ...] | None:
    """Compute what `_held` gives for the row as it is; None when it does not map."""
    try:
        made = field.forward(tuple([getattr(row, column) for column in field.columns]))
    except Unmappable:
        return None
    return tuple(canonical([] if value is None else [value]) for value in made)


def _only(held: list[Any]) -> Any:  # noqa: ANN401 because values are those of any element
    if len(held) > 1:
        refuse("the resource has several of these")
    return held[0] if held else None
