"""Mapping: one declaration per data element type; both directions are derived from it."""

from collections import abc
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import MappingError
from medplum_migration.domain.identity import Identifier, encode_key
from medplum_migration.fhir import elements
from medplum_migration.mapping import merge, path
from medplum_migration.mapping.columns import REFUSED, written_when_missing
from medplum_migration.mapping.declaration import Declaration, declare
from medplum_migration.mapping.field import Constant, Field, Unmappable, Unmapped, refuse
from medplum_migration.mapping.part import Part, Shape, is_tombstone
from medplum_migration.mapping.source import Children, Conditions, Join, Source, join_key
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

    Records are rows of `table` with `where`, completed by `joins` and `children`, and named by
    `key`, one column or several. With `parts` one record gives several resources. `aliases` pairs
    names in the row model with columns of `table` that Python cannot spell (`class`). `deleted`
    holds path and value of what a tombstone says, instead of what `fhir/tombstones.py` has it say;
    `owns` names paths that only `enrich` writes; `refers_to` the mappings that functions refer to;
    `profile` the canonical URL of the profile that the resources claim; `one_way` why nothing is
    written back. `mapping_version` grows with each change of meaning. `declared_system` is set
    where a setting replaces the system's base.
    """

    element: str
    resource: str
    row: type[Row]
    table: str
    key: str | tuple[str, ...]
    system: str
    mapping_version: int = 1
    profile: str = ""
    where: Conditions = MappingProxyType({})
    aliases: abc.Mapping[str, str] = MappingProxyType({})
    joins: tuple[Join, ...] = ()
    children: tuple[Children, ...] = ()
    fields: tuple[Field | Constant | Unmapped, ...]
    parts: tuple[Part, ...] = ()
    deleted: ClassVar[abc.Mapping[str, Any] | None] = None
    owns: tuple[str, ...] = ()
    refers_to: tuple["Mapping[Any]", ...] = ()
    one_way: str = ""
    declared_system: str = ""
    declaration: ClassVar[Declaration]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.declaration = declare(cls)
        for field in cls.declaration.fields:
            field.bind(cls)

    @property
    def columns(self) -> frozenset[str]:
        """All columns with a disposition: those of the row model, and those not read."""
        return self.declaration.columns

    @property
    def columns_read(self) -> frozenset[str]:
        """The columns of the row model."""
        return self.declaration.columns_read

    @property
    def keys(self) -> tuple[str, ...]:
        """The key columns."""
        return (self.key,) if isinstance(self.key, str) else self.key

    @property
    def source(self) -> Source:
        """Where the records lie."""
        joined = {name for join in self.joins for name in join.columns}
        joined |= {child.name for child in self.children}
        return Source(
            self.table,
            tuple(self.aliases.get(name, name) for name in self.keys),
            tuple(sorted(self.columns_read - joined)),
            self.where,
            self.joins,
            self.children,
            self.aliases,
        )

    @property
    def parents(self) -> tuple["Mapping[Any]", ...]:
        """The mappings that references of this one lead to."""
        targets = [getattr(field, "target", None) for field in self.declaration.fields]
        named = [target for target in targets if target and target.element != self.element]
        return tuple({parent.element: parent for parent in (*named, *self.refers_to)}.values())

    @property
    def systems(self) -> dict[str, str]:
        """Resource type by the system of the identifiers that its resources carry."""
        return {shape.system: shape.resource for shape in self.declaration.shapes}

    def declared(self, system: str) -> str:
        """Tell how a system of this mapping is spelled where it is declared, whatever its base."""
        return (self.declared_system or self.system) + system.removeprefix(self.system)

    def identifiers(self, key: str) -> tuple[Identifier, ...]:
        """Name every identifier that resources of the record carry."""
        value = encode_key(key)
        return tuple(Identifier(shape.system, value) for shape in self.declaration.shapes)

    def key_of(self, row: abc.Mapping[str, object]) -> str:
        """Spell the key of a row."""
        return join_key([str(row.get(column, "")) for column in self.keys])

    def refer(self, *key: object, part: str = "") -> Resource:
        """Make a reference to a record of this element, from the values of its key columns.

        The engine turns the conditional reference into `Type/<id>` before it sends.

        Raises:
            Unmappable: a part of the key is missing.

        """
        if None in key:
            refuse("a part of the key is missing")
        shape = self._shape(part)
        held = Identifier(shape.system, encode_key(join_key(list(map(str, key)))))
        return {
            "reference": f"{shape.resource}?identifier={held.token()}",
            "identifier": {"system": held.system, "value": held.value},
        }

    def referred(self, reference: Resource, part: str = "") -> Any:  # noqa: ANN401 because values are those of any column
        """Give back the key that `refer` was called with; several columns come as a tuple.

        Raises:
            Unmappable: the reference's identifier is not one of this element.

        """
        held = reference.get("identifier", {})
        if held.get("system") != self._shape(part).system:
            refuse(f"the reference does not name a record of {self.element}")
        return self.declaration.key.back(held["value"])

    def _shape(self, part: str) -> Shape:
        return next(shape for shape in self.declaration.shapes if shape.name == part)

    def shape_of(self, resource: Resource) -> Shape:
        """Tell which of a record's resources this is, by the system of its identifiers."""
        shapes = self.declaration.shapes
        held = {entry.get("system") for entry in resource.get("identifier", ())}
        return next((shape for shape in shapes if shape.system in held), shapes[0])

    def enrich(self, row: Row, resource: Resource) -> Resource:
        """Refine a mapped resource; may raise `Unmappable` with a column."""
        del row
        return resource

    def to_fhir(self, row: abc.Mapping[str, object]) -> tuple[Resource, ...] | Quarantine:
        """Map a row, as the driver gives it, to its resources, or say why not."""
        parsed = self.parse(row)
        if isinstance(parsed, Quarantine):
            return parsed
        values = parsed.__dict__
        try:
            built = [s.builder.build(s.resource, values) for s in self.declaration.shapes]
            return tuple([self.enrich(parsed, made) for made in built if made is not None])
        except Unmappable as found:
            return Quarantine(self.key_of(values), found.column, found.why)

    def parse(self, row: abc.Mapping[str, object]) -> Row | Quarantine:
        """Read a row into the row model."""
        try:
            return self.row.model_validate(dict(row))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            ours = first["type"] == REFUSED
            why = first["msg"] if ours else f"does not fit the row model: {first['type']}"
            return Quarantine(self.key_of(row), str(first["loc"][0]), why)

    def merge(self, current: Resource | None, mapped: Resource) -> Resource:
        """Lay a mapped resource or a tombstone over the current one, keeping what is not ours."""
        return merge.merge(current, mapped, self.shape_of(mapped))

    def tombstone(self, key: str) -> tuple[Resource, ...]:
        """Say of each resource that the record is deleted; depends on the key only."""
        return tuple(shape.tombstone(encode_key(key)) for shape in self.declaration.shapes)

    def from_fhir(
        self, resource: Resource, base_row: abc.Mapping[str, object]
    ) -> dict[str, object]:
        """Write a resource back over a row; a column whose view is unchanged stays as it is.

        Raises:
            MappingError: the resource says something that the columns cannot hold, or the element
                goes one way.

        """
        if self.one_way:
            reason = f"the element goes one way: {self.one_way}"
            raise MappingError(element=self.element, path="", reason=reason)
        parsed = self.parse(base_row)
        row = dict(base_row)
        for field in self.shape_of(resource).fields:
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
        """Show what the mapping owns in a resource: path to canonical value, absent left out.

        Of a tombstone, what only FHIR demands is left out: it may be of any earlier version.
        """
        shape = self.shape_of(resource)
        kept = set(shape.grave.needs) if is_tombstone(resource) else set()
        for plain in [name.removeprefix("_") for name in kept]:
            kept |= elements.rivals(shape.resource, plain) | {plain}
        shown = {}
        for owned in shape.owned:
            values = [canonical(value) for value in path.read(resource, owned.steps)]
            if values and owned.steps[0].name not in kept:
                shown[owned.path] = values[0] if len(values) == 1 else ("several", *values)
        return shown


def _base(field: Field, row: BaseModel) -> tuple[Any, ...] | None:
    """Compute what `_held` gives for the row as it is; None when it does not map."""
    try:
        made = field.forward(tuple([getattr(row, column) for column in field.columns]))
    except Unmappable:
        return None
    placed = zip(made, field.steps, strict=True)
    return tuple(canonical([] if v is None else [_placed(v, steps)]) for v, steps in placed)


def _placed(value: Any, steps: path.Steps) -> Any:  # noqa: ANN401 because values are those of any element
    """Add what the last filter says, which is read back with a whole list item."""
    where = steps[-1].where
    return value if where is None else {**dict(where), **value}


def _only(held: list[Any]) -> Any:  # noqa: ANN401 because values are those of any element
    if len(held) > 1:
        refuse("the resource has several of these")
    return held[0] if held else None
