"""What a mapping class declares, checked when the class is built and compiled for speed."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from inspect import signature
from types import UnionType
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import BaseModel, TypeAdapter

from medplum_migration.domain.identity import decode_key, encode_key
from medplum_migration.fhir import elements
from medplum_migration.fhir.tombstones import TOMBSTONES, Tombstone
from medplum_migration.mapping import path
from medplum_migration.mapping.build import Builder
from medplum_migration.mapping.field import Constant, Field, Undecided, Unmapped
from medplum_migration.mapping.part import TAG, Owned, Part, Shape
from medplum_migration.mapping.path import Steps
from medplum_migration.mapping.source import join_key, split_key

if TYPE_CHECKING:
    from medplum_migration.mapping.mapping import Mapping


class DeclarationError(TypeError):
    """A mapping class contradicts itself or its row model: names class, place and what to do."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The checked parts of a mapping class: all its fields, and the shapes of its resources."""

    fields: tuple[Field, ...]
    unmapped: tuple[Unmapped, ...]
    shapes: tuple[Shape, ...]

    @property
    def key(self) -> Field:
        """The field of the record's key."""
        return self.fields[0]

    @property
    def columns_read(self) -> frozenset[str]:
        """The columns of the row model."""
        fields = frozenset(column for field in self.fields for column in field.columns)
        return fields.union(self.undecided)

    @property
    def undecided(self) -> tuple[str, ...]:
        """The columns that wait for a disposition."""
        waiting = (entry for entry in self.unmapped if isinstance(entry, Undecided))
        return tuple(column for entry in waiting for column in entry.columns)

    @property
    def columns(self) -> frozenset[str]:
        """All columns with a disposition."""
        return self.columns_read | {name for entry in self.unmapped for name in entry.columns}


def declare(cls: "type[Mapping[Any]]") -> Declaration:
    """Check a mapping class.

    Raises:
        DeclarationError: names the class, the field and what to do.

    """
    _check_attributes(cls)
    _check_names(cls)
    mapped = [entry for entry in cls.fields if not isinstance(entry, Unmapped)]
    shared, parts = (mapped, cls.parts) if cls.parts else ([], (Part("", *mapped),))
    shapes = tuple(_shape(cls, part, shared) for part in parts)
    own = (entry for part in parts for entry in part.fields)
    fields = (shapes[0].key, *(entry for entry in (*shared, *own) if isinstance(entry, Field)))
    unmapped = tuple(entry for entry in cls.fields if isinstance(entry, Unmapped))
    _check_columns(cls, fields, unmapped)
    _check_reasons(cls, fields, unmapped)
    for field in fields[1:]:
        _check_arity(cls, field)
    return Declaration(fields, unmapped, shapes)


def _check_attributes(cls: "type[Mapping[Any]]") -> None:
    wanted: dict[str, type | UnionType] = dict.fromkeys(
        ("element", "resource", "table", "system"), str
    )
    wanted |= {"row": type, "key": str | tuple, "fields": tuple}
    for name, kind in wanted.items():
        if not isinstance(getattr(cls, name, None), kind):
            _fail(cls, name, "the class attribute is missing or of another kind; say what it is")
    for entry in (*cls.fields, *(entry for part in cls.parts for entry in part.fields)):
        if not isinstance(entry, Field | Constant | Unmapped):
            _fail(cls, "fields", f"{type(entry).__name__} is no Field, Constant or Excluded")


def _check_names(cls: "type[Mapping[Any]]") -> None:
    """Check key, aliases and parts, and that no column hides what every row model has."""
    model: type[BaseModel] = cls.row
    for column in (cls.key,) if isinstance(cls.key, str) else cls.key:
        if column not in model.model_fields:
            _fail(cls, column, "the key is no column of the row model; add it there")
    for name in cls.aliases:
        if name not in model.model_fields:
            _fail(cls, name, "aliases name no column of the row model; mend the name")
    for name in model.model_fields:
        if hasattr(BaseModel, name):
            _fail(cls, name, f"a row model cannot use this name; call it {name}_, see `aliases`")
    for name, times in Counter(part.name for part in cls.parts).items():
        if times > 1 or not name:
            _fail(cls, f"part {name!r}", "each part needs a name of its own; mend it")


def _shape(cls: "type[Mapping[Any]]", part: Part, shared: Iterable[Field | Constant]) -> Shape:
    resource = part.resource or cls.resource
    if not elements.names(resource):
        _fail(cls, "resource", f"{resource} is no known resource type; see fhir/elements.py")
    system = f"{cls.system}/{part.name}" if part.name else cls.system
    key = _key_field(cls, system)
    entries = (key, *shared, *part.fields)
    fields = tuple(entry for entry in entries if isinstance(entry, Field))
    constants = tuple(entry for entry in entries if isinstance(entry, Constant))
    own = (entry for entry in part.fields if isinstance(entry, Field))
    deciding = frozenset(own if part.name else ())
    texts = [p for field in fields for p in field.paths] + [c.path for c in constants]
    owned = tuple(_own(cls, resource, [*texts, *cls.owns, *part.owns]))
    grave = _grave(cls, resource, part.deleted if part.name else cls.deleted)
    said = ((text, path.parse(text)) for text in (*grave.says, TAG))
    extra = [t for t, steps in said if not any(path.overlap(steps, o.steps) for o in owned)]
    return Shape(
        name=part.name,
        resource=resource,
        system=system,
        key=key,
        fields=fields,
        constants=constants,
        owned=(*owned, *_own(cls, resource, extra)),
        grave=grave,
        builder=Builder.of(fields, constants, deciding),
    )


def _grave(cls: "type[Mapping[Any]]", resource: str, deleted: Any) -> Tombstone:  # noqa: ANN401 because FHIR values are JSON
    usual = TOMBSTONES.get(resource)
    if usual is None and deleted is None:
        _fail(cls, "deleted", f"say what a {resource} says once its record is deleted")
    usual = usual or Tombstone({})
    return usual if deleted is None else replace(usual, says=dict(deleted))


def _key_field(cls: "type[Mapping[Any]]", system: str) -> Field:
    columns = (cls.key,) if isinstance(cls.key, str) else cls.key
    types = [TypeAdapter(cls.row.model_fields[name].annotation) for name in columns]

    def back(value: str) -> Any:  # noqa: ANN401 because values are those of any column
        texts = split_key(decode_key(value), len(columns)) or ()
        made = [kind.validate_python(text) for kind, text in zip(types, texts, strict=True)]
        return made[0] if len(made) == 1 else tuple(made)

    def to(*values: object) -> str:
        return encode_key(join_key(list(map(str, values))))

    return Field(columns, f"identifier[system={system}].value", to, back)


def _check_columns(
    cls: "type[Mapping[Any]]", fields: tuple[Field, ...], unmapped: tuple[Unmapped, ...]
) -> None:
    """Check that every column has one disposition; a key column may have one besides the key."""
    model: type[BaseModel] = cls.row
    key, *others = fields
    own = [column for field in others for column in field.columns]
    own += [column for column in key.columns if column not in own]
    named = Counter([*own, *(column for entry in unmapped for column in entry.columns)])
    waiting = (entry.columns for entry in unmapped if isinstance(entry, Undecided))
    read = [*own, *(column for columns in waiting for column in columns)]
    for column, times in named.items():
        if times > 1:
            _fail(cls, column, "the column has two dispositions; keep one")
    for column in read:
        if column not in model.model_fields:
            _fail(cls, column, "no column of the row model; add it there or mend the name")
    for column in model.model_fields:
        if column not in named:
            _fail(cls, column, "the column has no disposition; add a Field or an Excluded")
        if column not in read:
            _fail(cls, column, "the column is not read; take it out of the row model")


def _check_reasons(
    cls: "type[Mapping[Any]]", fields: tuple[Field, ...], unmapped: tuple[Unmapped, ...]
) -> None:
    for field in fields:
        if field.lossy and not field.why:
            _fail(cls, field.columns[0], "lossy without a reason; add why=...")
    for entry in unmapped:
        if not entry.why:
            _fail(cls, entry.columns[0], f"{entry.disposition} without a reason; add why=...")


def _check_arity(cls: "type[Mapping[Any]]", field: Field) -> None:
    """Check that functions take as many values as the field has columns, and paths."""
    for name, function, values in (
        ("to", field.to, field.columns),
        ("back", field.back, field.paths),
    ):
        try:
            taken = signature(function)
        except ValueError:  # some of Python's own functions do not tell
            continue
        try:
            taken.bind(*values)
        except TypeError:
            why = f"`{name}` does not take {len(values)} values, as many as "
            why += "columns" if name == "to" else "paths"
            _fail(cls, field.columns[0], f"{why}; mend it")


def _own(cls: "type[Mapping[Any]]", resource: str, texts: Iterable[str]) -> Iterator[Owned]:
    seen: list[Steps] = []
    for text in texts:
        try:
            steps = path.parse(text)
        except ValueError as error:
            _fail(cls, text, str(error))
        root = steps[0].name.removeprefix("_")
        if root not in elements.names(resource):
            _fail(cls, text, f"{resource} has no element {root!r}; mend the path")
        if any(path.overlap(steps, other) for other in seen):
            _fail(cls, text, "two entries own this path; join them in one Field")
        seen.append(steps)
        yield Owned(text, steps, elements.rivals(resource, root))


def _fail(cls: "type[Mapping[Any]]", name: str, why: str) -> NoReturn:
    message = f"{cls.__module__}.{cls.__qualname__}: {name}: {why}"
    raise DeclarationError(message)
