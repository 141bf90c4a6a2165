"""Supplies: `supplies.csv` to SupplyDelivery; DATE is a local day and stays a day."""

from datetime import date
from decimal import Decimal
from typing import Any

from examples.synthea.elements.patients import patients
from examples.synthea.elements.synthea import (
    ONE_WAY,
    SNOMED,
    TERMINOLOGY,
    Needed,
    NeededDay,
    coding,
    concept,
    id_system,
)
from medplum_migration.mapping.columns import Amount, LegacyRow, Text
from medplum_migration.mapping.field import Constant, Field, Unsupported
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference


class SupplyRow(LegacyRow):
    """The columns that are read."""

    rownum: int
    DATE: NeededDay
    PATIENT: Needed
    CODE: Needed
    DESCRIPTION: Text
    QUANTITY: Amount


def _item(code: str, description: str | None, number: Decimal | None) -> dict[str, Any]:
    item: dict[str, Any] = {"itemCodeableConcept": coding(SNOMED, code, description)}
    return item | ({"quantity": {"value": number}} if number is not None else {})


class SupplyMapping(Mapping[SupplyRow]):
    """What was handed out."""

    element, resource = "supplies", "SupplyDelivery"
    row = SupplyRow
    table, key, system = "supplies", "rownum", id_system("supplies")
    one_way = ONE_WAY
    fields = (
        Constant("status", "completed"),
        Constant("type", concept(f"{TERMINOLOGY}/supply-item-type", "device")),
        Field("DATE", "occurrenceDateTime", date.isoformat),
        Reference("PATIENT", "patient", to=patients),
        Field(("CODE", "DESCRIPTION", "QUANTITY"), "suppliedItem", _item),
        Unsupported("ENCOUNTER", why="a SupplyDelivery has no place for it"),
    )


supplies = SupplyMapping()
