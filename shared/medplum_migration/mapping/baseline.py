"""An earlier export of the register against the mappings as they are: what changed, and unsaid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.digest import PYTHON
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.register import exported


class _Element(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    element: str
    mapping_version: int
    digest: str
    columns: list[dict[str, str]]


class _Baseline(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    python: str
    elements: list[_Element]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one element since the baseline."""

    element: str
    what: str
    forgotten: bool = False
    lines: tuple[str, ...] = field(default=())


def export(mappings: Sequence[Mapping[Any]]) -> dict[str, Any]:
    """Render the register as a baseline for later."""
    return {"python": PYTHON, "elements": [exported(mapping) for mapping in mappings]}


def changes(baseline: str, mappings: Sequence[Mapping[Any]]) -> tuple[Change, ...]:
    """Compare mappings with a baseline; what is unchanged is left out.

    A change is forgotten when `mapping_version` did not grow with it: records that were written
    before would then never be written again.

    Raises:
        ConfigurationError: the text is no baseline, or one of another minor version of Python.

    """
    try:
        before = _Baseline.model_validate_json(baseline)
    except ValidationError:
        reason = "not a baseline; `register show --format json` writes one"
        raise ConfigurationError(reason) from None
    if before.python != PYTHON:
        reason = "the baseline was written by another Python, so its digests say nothing here"
        raise ConfigurationError(reason, baseline=before.python, here=PYTHON)
    now = _Baseline.model_validate(export(mappings))
    return tuple(_changes(_named(before), _named(now)))


def _named(baseline: _Baseline) -> dict[str, _Element]:
    return {element.element: element for element in baseline.elements}


def _changes(before: dict[str, _Element], now: dict[str, _Element]) -> Iterator[Change]:
    for name, element in now.items():
        if name not in before:
            yield Change(name, "new")
        else:
            yield from _change(before[name], element)
    yield from (Change(name, "gone") for name in before if name not in now)


def _change(before: _Element, now: _Element) -> Iterator[Change]:
    lines = tuple(_lines(before, now))
    versions = f"mapping version {before.mapping_version} to {now.mapping_version}"
    if now.mapping_version < before.mapping_version:
        yield Change(now.element, f"{versions}: it must not fall", forgotten=True, lines=lines)
    elif now.mapping_version > before.mapping_version:
        yield Change(now.element, versions, lines=lines)
    elif now.digest != before.digest:
        what = f"another digest, but mapping version {now.mapping_version} as before"
        yield Change(now.element, what, forgotten=True, lines=lines)
    elif lines:
        yield Change(now.element, "the same digest; only what is said of it", lines=lines)


def _lines(before: _Element, now: _Element) -> Iterator[str]:
    old, new = ({line["column"]: line for line in side.columns} for side in (before, now))
    for column in dict.fromkeys((*old, *new)):
        if column not in new:
            yield f"{column}: gone"
        elif column not in old:
            yield f"{column}: new, {new[column]['disposition']}"
        else:
            names = [n for n in new[column] if new[column][n] != old[column].get(n, "")]
            if names:
                yield f"{column}: {'; '.join(_said(n, old[column], new[column]) for n in names)}"


def _said(name: str, old: dict[str, str], new: dict[str, str]) -> str:
    return f"{name} was {old.get(name, '') or '-'}, is {new[name] or '-'}"
