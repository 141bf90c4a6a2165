"""The digest of a mapping: a hash of everything that decides what it emits.

It goes over the declared attributes, the fields, the row model, the code tables and the code of the
functions: bytecode, constants, defaults, closures, and the globals that they load, followed through
the fork's own package and the kit; other packages count by name. Comments, docstrings, formatting,
reasons (`why`) and `mapping_version` do not count.

Bytecode instead of source text, because a lambda has no source of its own, and because an edited
comment must not ask for a new version. The price: digests are comparable within one minor version
of Python only, which `PYTHON` names.
"""

import dis
import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Dict
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from functools import cached_property, partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.field import Constant, Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.part import Shape

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Digests of another minor version of Python cannot be compared."""

_ELSEWHERE = frozenset(
    ("fields", "parts", "row", "declaration", "refers_to", "mapping_version", "one_way")
)
_ATTRIBUTES = frozenset(
    (
        *("element", "resource", "table", "key", "system", "profile"),
        *("where", "joins", "children", "aliases"),
    )
)
_KIT = "medplum_migration"
_HAS_DOCSTRING = 0x4000000  # a flag of code since Python 3.13
_ADDRESS = re.compile(r" at 0x[0-9a-f]+", re.IGNORECASE)


def digest(mapping: Mapping[Any]) -> str:
    """Hash a mapping; two that emit the same resources for every row may still differ."""
    return _hash(_Walk(_packages(type(mapping))).mapping(mapping))


def code_tables(mapping: Mapping[Any]) -> tuple[Codes, ...]:
    """Find the code tables that the functions of a mapping use, by name."""
    walk = _Walk(_packages(type(mapping)))
    _hash(walk.mapping(mapping))
    found = [thing for _, thing in walk.met.values() if isinstance(thing, Codes)]
    return tuple(sorted(found, key=lambda table: table.name))


def _hash(tokens: Iterator[str]) -> str:
    made = hashlib.sha256()
    for token in tokens:
        made.update(f"{len(token)}:{token}".encode("utf-8", "surrogatepass"))
    return made.hexdigest()[:32]


def _packages(kind: type) -> frozenset[str]:
    own = {base.__module__.partition(".")[0] for base in kind.__mro__}
    return frozenset((own | {_KIT}) - sys.stdlib_module_names)


class _Walk:
    """One pass over objects that lead to each other; what was met is told by its number."""

    def __init__(self, packages: AbstractSet[str]) -> None:
        self._packages = packages
        self.met: dict[int, tuple[int, object]] = {}

    def mapping(self, mapping: Mapping[Any]) -> Iterator[str]:
        """Tell of a mapping as a whole."""
        kind = type(mapping)
        bases = kind.__mro__[: kind.__mro__.index(Mapping)]
        names = _ATTRIBUTES | {name for base in bases for name in vars(base)} - _ELSEWHERE
        for name in sorted(name for name in names if not name.startswith("__")):
            yield name
            yield from self.value(inspect.getattr_static(kind, name))
        yield from self.value(mapping.declaration.shapes)
        yield from self.value(mapping.row)

    def value(self, value: object) -> Iterator[str]:
        """Tell of a value of any kind."""
        yield type(value).__qualname__
        if isinstance(value, str | int | float | bytes | complex | None):
            yield repr(value)
        elif isinstance(value, Dict):
            yield from self._several(part for pair in value.items() for part in pair)
        elif isinstance(value, list | tuple):
            yield from self._several(iter(value))
        elif isinstance(value, AbstractSet):
            yield from sorted(_hash(_Walk(self._packages).value(item)) for item in value)
        elif id(value) in self.met:
            yield str(self.met[id(value)][0])
        else:
            self.met[id(value)] = len(self.met), value
            yield from self._thing(value)

    def _several(self, values: Iterator[object]) -> Iterator[str]:
        for value in values:
            yield "item"
            yield from self.value(value)
        yield "end"

    def _thing(self, thing: Any) -> Iterator[str]:  # noqa: ANN401 because everything may come
        for kind, tell in self._kinds.items():
            if isinstance(thing, kind):
                yield from tell(self, thing)
                return
        wrapped = getattr(thing, "__wrapped__", None) or getattr(thing, "__func__", None)
        yield from self.value(wrapped) if wrapped is not None else self._object(thing)

    def _function(self, function: FunctionType) -> Iterator[str]:
        if not self._is_followed(function):
            yield f"{function.__module__}.{function.__qualname__}"
            return
        yield from self._code(function.__code__)
        yield from self.value(function.__defaults__)
        yield from self.value(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            yield from self.value(_content(cell))
        for name in sorted(_loads(function.__code__, "LOAD_GLOBAL") & function.__globals__.keys()):
            yield name
            yield from self._global(function.__globals__[name], function.__code__)

    def _code(self, code: CodeType) -> Iterator[str]:
        """Tell of instructions one by one: their constants as values, so no docstring counts."""
        yield f"{code.co_argcount} {code.co_kwonlyargcount} {code.co_flags & ~_HAS_DOCSTRING}"
        yield code.co_exceptiontable.hex()
        for step in dis.get_instructions(code):
            yield step.opname
            if isinstance(step.argval, CodeType):
                yield from self._code(step.argval)
            elif step.opcode in dis.hasconst:
                yield from self.value(step.argval)
            else:
                yield step.argrepr if step.opcode in dis.hasname else str(step.arg)

    def _global(self, value: object, code: CodeType) -> Iterator[str]:
        yield from self.value(value)
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] in self._packages:
            for name in sorted(_loads(code) & vars(value).keys()):
                yield name
                yield from self.value(vars(value)[name])

    def _method(self, method: MethodType) -> Iterator[str]:
        yield from self.value(method.__func__)
        yield from self.value(method.__self__)

    def _partial(self, made: "partial[Any]") -> Iterator[str]:
        yield from self.value((made.func, made.args, made.keywords))

    def _class(self, kind: type) -> Iterator[str]:
        yield f"{kind.__module__}.{kind.__qualname__}"
        if not self._is_followed(kind) or issubclass(kind, Mapping):
            return
        if issubclass(kind, BaseModel):
            yield from self.value((kind.model_config, kind.model_fields))
        for base in filter(self._is_followed, kind.__mro__):
            for name, value in sorted(vars(base).items()):
                if isinstance(value, FunctionType | property | classmethod | staticmethod):
                    yield name
                    yield from self.value(value)

    def _column(self, info: FieldInfo) -> Iterator[str]:
        yield from self._annotation(info.annotation)
        yield from self.value(info.metadata)
        yield from self.value(info.alias)
        yield from self.value((info.is_required(), info.default, info.default_factory))

    def _annotation(self, annotation: Any) -> Iterator[str]:  # noqa: ANN401 because types have no type
        yield str(get_origin(annotation))
        parts = get_args(annotation)
        for part in parts:
            yield from self._annotation(part)
        if not parts:
            yield from self.value(annotation)

    def _field(self, field: Field) -> Iterator[str]:
        yield from (field.disposition, str(field.lossy), str(getattr(field, "orphans", False)))
        yield from self.value((field.columns, field.paths, field.to, field.back))
        yield from self.value(getattr(field, "target", None))

    def _shape(self, shape: Shape) -> Iterator[str]:
        own = (f.columns for f in shape.fields if f in shape.builder.deciding)
        yield from (shape.name, shape.resource, shape.system)
        yield from self.value((shape.fields, shape.constants, tuple(own)))
        yield from self.value((shape.grave.needs, shape.grave.says))

    def _constant(self, constant: Constant) -> Iterator[str]:
        yield from self.value((constant.path, constant.value))

    def _other_mapping(self, mapping: Mapping[Any]) -> Iterator[str]:
        """Tell what references to another element depend on."""
        yield from self.value((mapping.element, mapping.systems, mapping.keys))

    def _codes(self, codes: Codes) -> Iterator[str]:
        yield codes.local
        for row in codes.rows:
            yield repr(row)

    def _pattern(self, pattern: "re.Pattern[Any]") -> Iterator[str]:
        yield from (repr(pattern.pattern), str(pattern.flags))

    def _property(self, made: property) -> Iterator[str]:
        yield from self.value((made.fget, made.fset))

    def _object(self, thing: object) -> Iterator[str]:
        """Tell of an object by what it holds; one of another package by how it shows itself."""
        kind = type(thing)
        yield f"{kind.__module__}.{kind.__qualname__}"
        if not self._is_followed(kind) and not is_dataclass(kind):
            yield _ADDRESS.sub("", repr(thing))
            return
        held = {name for base in kind.__mro__ for name in getattr(base, "__slots__", ())}
        held |= getattr(thing, "__dict__", {}).keys()
        for name in sorted(name for name in held if not name.startswith("__")):
            if not isinstance(inspect.getattr_static(kind, name, None), cached_property):
                yield name
                yield from self.value(getattr(thing, name, None))

    def _is_followed(self, thing: Any) -> bool:  # noqa: ANN401 because functions and classes come
        return str(thing.__module__).partition(".")[0] in self._packages

    _kinds: Dict[type, Callable[["_Walk", Any], Iterator[str]]] = {
        Mapping: _other_mapping,
        Shape: _shape,
        Field: _field,
        Constant: _constant,
        Codes: _codes,
        FieldInfo: _column,
        FunctionType: _function,
        MethodType: _method,
        BuiltinFunctionType: lambda _, made: iter((made.__qualname__,)),
        partial: _partial,
        property: _property,
        cached_property: lambda walk, made: walk.value(made.func),
        ModuleType: lambda _, module: iter((module.__name__,)),
        re.Pattern: _pattern,
        ZoneInfo: lambda _, zone: iter((zone.key,)),
        type: _class,
    }


def _content(cell: Any) -> object:  # noqa: ANN401 because cells have no public type
    try:
        return cell.cell_contents
    except ValueError:  # the function refers to itself before it is there
        return None


def _loads(code: CodeType, opname: str = "") -> set[str]:
    """Name what a function's code and the code within it load, by one instruction or all."""
    found = {
        str(step.argval)
        for step in dis.get_instructions(code)
        if step.opcode in dis.hasname and step.opname.startswith(opname)
    }
    within = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return found.union(*(_loads(constant, opname) for constant in within))
