"""What a mapping does with values that are missing or do not fit, found out by trying.

Every column is given the edge values of all kinds of columns (`strategies.py`); what is said to
them is what quarantine would say. Reasons never quote a value.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any, TypeAlias, cast

from pydantic import BaseModel, ValidationError, create_model

from medplum_migration.mapping import strategies
from medplum_migration.mapping.columns import REFUSED
from medplum_migration.mapping.field import Field, Unmappable, refuse
from medplum_migration.mapping.mapping import Mapping

_EDGES = (
    strategies.TEXT,
    strategies.DAY,
    strategies.NEW_YORK_TIME,
    strategies.CLOCK,
    strategies.WHOLE,
    strategies.DECIMAL,
    strategies.FLAG,
)
_UNFIT = "does not fit the row model"

Parser: TypeAlias = Callable[[object], Any]


class Refusals:
    """Tries values on the columns of one mapping."""

    def __init__(self, mapping: Mapping[Any]) -> None:
        self._mapping = mapping
        self._parse = cache(partial(column_parser, mapping))

    def missing(self, field: Field, column: str) -> str:
        """Tell what happens when a column is NULL."""
        if column in self._mapping.keys:
            return "no record"
        try:
            self._parse(column)(None)
        except Unmappable as found:
            return f"quarantined: {found.why}"
        others = [name for name in field.columns if name != column]
        if not others:
            return "left out"
        whys = sorted({why for _, why in self._whys(field, column, (None,))})
        beside = f"; beside others quarantined: {'; '.join(whys)}" if whys else ""
        return f"left out when {', '.join(others)} missing too{beside}"

    def invalid(self, field: Field, column: str) -> str:
        """Tell what quarantine says to values that do not fit a column."""
        refused: set[str] = set()
        fit: list[object] = []
        for value in (v for edges in _EDGES for v in edges.good + edges.bad):
            try:
                fit.append(self._parse(column)(value))
            except Unmappable as found:
                refused.add(found.why)
        refused |= {why for at, why in self._whys(field, column, fit) if at == column}
        return f"quarantined: {'; '.join(sorted(refused))}" if refused else ""

    def _whys(
        self, field: Field, column: str, values: Iterable[object]
    ) -> Iterator[tuple[str, str]]:
        """Call the field's function, with the other columns missing and with each of them good."""
        for others in self._others(field, column):
            for value in values:
                try:
                    field.forward(tuple({**others, column: value}[n] for n in field.columns))
                except Unmappable as found:
                    yield found.column or column, found.why
                except Exception:  # noqa: BLE001, S112 because totality is the laws' matter
                    continue

    def _others(self, field: Field, column: str) -> Iterator[dict[str, object]]:
        others = [name for name in field.columns if name != column]
        yield dict.fromkeys(others)
        for edges in _EDGES if others else ():
            try:
                yield {name: self._parse(name)(edges.good[0]) for name in others}
            except Unmappable:
                continue


def column_parser(mapping: Mapping[Any], column: str) -> Parser:
    """Make the function that reads one column as the row model does; it raises `Unmappable`."""
    model: type[BaseModel] = mapping.row
    info, make = model.model_fields[column], cast("Any", create_model)
    kind = make("One", __config__=model.model_config, **{column: (info.annotation, info)})

    def parse(value: object) -> Any:  # noqa: ANN401 because values are those of any column
        try:
            return getattr(kind.model_validate({column: value}), column)
        except ValidationError as error:
            (first, *_) = error.errors(include_url=False, include_input=False)
            refuse(first["msg"] if first["type"] == REFUSED else _UNFIT)

    return parse
