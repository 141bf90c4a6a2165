"""What a mapping class declares, checked when the class is built and compiled for speed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import BaseModel, TypeAdapter

from medplum_migration.domain.identity import decode_key, encode_key
from medplum_migration.fhir import elements
from medplum_migration.mapping import path
from medplum_migration.mapping.build import Builder
from medplum_migration.mapping.field import Constant, Field, Unmapped
from medplum_migration.mapping.path import Steps

if TYPE_CHECKING:
    from medplum_migration.mapping.mapping import Mapping

TAG_SYSTEM = "https://medplum-migration.example/CodeSystem/migration"
DELETED = "deleted-in-source"
TAG = f"meta.tag[system={TAG_SYSTEM},code={DELETED}]"


@dataclass(frozen=True, slots=True)
class Owned:
    """A path that the mapping owns, and the elements that exclude its root element."""

    path: str
    steps: Steps
    rivals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Declaration:
    """The checked parts of a mapping class; `key` maps the record's key to its identifier."""

    key: Field
    fields: tuple[Field, ...]
    constants: tuple[Constant, ...]
    unmapped: tuple[Unmapped, ...]
    owned: tuple[Owned, ...]
    builder: Builder

    @property
    def columns_read(self) -> frozenset[str]:
        """The columns that fields read."""
        return frozenset(column for field in self.fields for column in field.columns)

    @property
    def columns(self) -> frozenset[str]:
        """All columns with a disposition."""
        return self.columns_read | {name for entry in self.unmapped for name in entry.columns}


def declare(cls: "type[Mapping[Any]]") -> Declaration:
    """Check a mapping class.

    Raises:
        TypeError: names the class, the field and what to do.

    """
    for name in ("element", "resource", "table", "key", "system"):
        if not isinstance(getattr(cls, name, None), str):
            _fail(cls, name, "the class attribute is missing; say what it is")
    if not elements.names(cls.resource):
        _fail(cls, "resource", f"{cls.resource} is no known resource type; see fhir/elements.py")
    if cls.key not in cls.row.model_fields:
        _fail(cls, cls.key, "the key is no column of the row model; add it there")
    return _declare(cls, _key_field(cls))


def _declare(cls: "type[Mapping[Any]]", key: Field) -> Declaration:
    fields = (key, *(entry for entry in cls.fields if isinstance(entry, Field)))
    constants = tuple(entry for entry in cls.fields if isinstance(entry, Constant))
    unmapped = tuple(entry for entry in cls.fields if isinstance(entry, Unmapped))
    _check_columns(cls, fields, unmapped)
    _check_reasons(cls, fields, unmapped)
    paths = [p for field in fields for p in field.paths] + [c.path for c in constants]
    owned = tuple(_own(cls, [*paths, *cls.owns]))
    extra = [p for p in (*cls.deleted, TAG) if p not in paths]
    return Declaration(
        key,
        fields,
        constants,
        unmapped,
        owned=(*owned, *_own(cls, extra)),
        builder=Builder.of(fields, constants),
    )


def _key_field(cls: "type[Mapping[Any]]") -> Field:
    info = cls.row.model_fields[cls.key]

    def back(value: str) -> object:
        return TypeAdapter(info.annotation).validate_python(decode_key(value))

    def to(value: object) -> str:
        return encode_key(str(value))

    return Field(cls.key, f"identifier[system={cls.system}].value", to, back)


def _check_columns(
    cls: "type[Mapping[Any]]", fields: tuple[Field, ...], unmapped: tuple[Unmapped, ...]
) -> None:
    model: type[BaseModel] = cls.row
    read = [column for field in fields for column in field.columns]
    named = Counter([*read, *(column for entry in unmapped for column in entry.columns)])
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


def _own(cls: "type[Mapping[Any]]", texts: list[str]) -> Iterator[Owned]:
    seen: list[Steps] = []
    for text in texts:
        try:
            steps = path.parse(text)
        except ValueError as error:
            _fail(cls, text, str(error))
        root = steps[0].name
        if root not in elements.names(cls.resource):
            _fail(cls, text, f"{cls.resource} has no element {root!r}; mend the path")
        if any(path.overlap(steps, other) for other in seen):
            _fail(cls, text, "two entries own this path; join them in one Field")
        seen.append(steps)
        yield Owned(text, steps, elements.rivals(cls.resource, root))


def _fail(cls: "type[Mapping[Any]]", name: str, why: str) -> NoReturn:
    message = f"{cls.__module__}.{cls.__qualname__}: {name}: {why}"
    raise TypeError(message)
