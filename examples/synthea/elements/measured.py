"""What an observation says: VALUE, UNITS and TYPE to a quantity or a text."""

import re
from decimal import Decimal
from typing import Any

from examples.synthea.elements.synthea import quantity
from medplum_migration.mapping.field import Field, refuse

COLUMNS = ("VALUE", "UNITS", "TYPE")
PATHS = ("valueQuantity", "valueString")

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_NOMINAL = "{nominal}"


def value(
    text: str | None, unit: str | None, kind: str | None
) -> tuple[dict[str, Any] | None, str | None]:
    """Give a quantity or a text: TYPE calls some numbers text, but texts have no unit."""
    if kind not in {"numeric", "text"}:
        refuse("neither numeric nor text", column="TYPE")
    if text is None:
        refuse("no value", column="VALUE")
    if kind == "text" and unit in {None, _NOMINAL}:
        return None, text
    if not _NUMBER.fullmatch(text):
        refuse("not a number", column="VALUE")
    return quantity(Decimal(text), unit), None


VALUE = Field(
    COLUMNS,
    PATHS,
    value,
    lossy=True,
    why="the files hold texts where the bundles hold codes; {nominal} is no unit",
)
"""The value of an observation that stands alone."""


def component(code: dict[str, Any], *cells: str | None) -> dict[str, Any]:
    """Make a component of a panel."""
    said = dict(zip(PATHS, value(*cells), strict=True))
    return {"code": code} | {name: held for name, held in said.items() if held is not None}
