"""Payers: `payers.csv` to Organization."""

from examples.synthea.elements.synthea import (
    ONE_WAY,
    TERMINOLOGY,
    US_CORE,
    Needed,
    addresses,
    concept,
    id_system,
    phone,
)
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Constant, Excluded, Field
from medplum_migration.mapping.mapping import Mapping


class PayerRow(LegacyRow):
    """The columns that are read."""

    Id: Needed
    NAME: Needed
    ADDRESS: Text
    CITY: Text
    STATE_HEADQUARTERED: Text
    ZIP: Text
    PHONE: Text


class PayerMapping(Mapping[PayerRow]):
    """Whoever pays; `NO_INSURANCE` is nobody, and no record."""

    element, resource = "payers", "Organization"
    row = PayerRow
    table, key, system = "payers", "Id", id_system("payers")
    where = {"OWNERSHIP": ("GOVERNMENT", "PRIVATE")}  # noqa: RUF012 because `Mapping` types it
    profile = f"{US_CORE}/us-core-organization"
    one_way = ONE_WAY
    fields = (
        Constant("active", value=True, why="Synthea lists only payers that are at work"),
        Constant("type", [concept(f"{TERMINOLOGY}/organization-type", "pay")]),
        Field("NAME", "name"),
        Field("PHONE", "telecom", phone),
        Field(("ADDRESS", "CITY", "STATE_HEADQUARTERED", "ZIP"), "address", addresses),
        Excluded("OWNERSHIP", why="tells payers from nobody; FHIR has no place for it"),
        Excluded(
            *("AMOUNT_COVERED", "AMOUNT_UNCOVERED", "REVENUE", "UNIQUE_CUSTOMERS"),
            *("COVERED_ENCOUNTERS", "UNCOVERED_ENCOUNTERS", "COVERED_MEDICATIONS"),
            *("UNCOVERED_MEDICATIONS", "COVERED_PROCEDURES", "UNCOVERED_PROCEDURES"),
            *("COVERED_IMMUNIZATIONS", "UNCOVERED_IMMUNIZATIONS", "QOLS_AVG", "MEMBER_MONTHS"),
            why="totals of the simulation",
        ),
    )


payers = PayerMapping()
