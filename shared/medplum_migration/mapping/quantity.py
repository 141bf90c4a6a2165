"""Quantities: a number in the legacy unit to a FHIR Quantity with a UCUM code, and back.

https://hl7.org/fhir/R4/datatypes.html#Quantity, https://ucum.org
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from medplum_migration.mapping.field import Pair, refuse

UCUM = "http://unitsofmeasure.org"


def quantity(
    code: str,
    *,
    unit: str = "",
    factor: Decimal = Decimal(1),
    offset: Decimal = Decimal(0),
    places: int | None = None,
) -> Pair:
    """Map an `Amount` or `Measured` column to a Quantity in the unit with a UCUM `code`.

    With `factor` and `offset` the legacy number x becomes `(x + offset) * factor`: °F to °C is
    `factor=Decimal(5) / 9, offset=Decimal(-32)`. A conversion needs `places`, how many decimals the
    legacy column keeps; the quantity gets as many as bring each of them back. A number with more
    decimals than that is unmappable.

    Raises:
        ValueError: a conversion without `places`.

    """
    converts = factor != 1 or offset != 0
    if converts and places is None:
        message = f"quantity({code!r}): a conversion needs places"
        raise ValueError(message)
    kept = (places or 0) + max(0, -factor.adjusted()) + 1
    step, legacy_step = Decimal(1).scaleb(-kept), Decimal(1).scaleb(-(places or 0))

    def to(number: Decimal) -> dict[str, Any]:
        value = number
        if converts:
            if number != number.quantize(legacy_step, ROUND_HALF_EVEN):
                refuse("more decimals than the column is said to keep")
            value = ((number + offset) * factor).quantize(step, ROUND_HALF_EVEN)
        return {"value": value, "unit": unit or code, "system": UCUM, "code": code}

    def back(held: dict[str, Any]) -> Decimal:
        if held.get("system") != UCUM or held.get("code") != code:
            refuse("a quantity in another unit")
        if "comparator" in held or "value" not in held:
            refuse("the column holds plain numbers only")
        number = Decimal(str(held["value"]))
        if converts:
            number = (number / factor - offset).quantize(legacy_step, ROUND_HALF_EVEN)
        return number

    return Pair(to, back)
