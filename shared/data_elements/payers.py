"""Payers: OpenEMR `insurance_companies`, with addresses and telephone numbers, to Organization."""

from collections.abc import Iterator
from typing import Any

from data_elements.clinic import LEGACY
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.columns import Flag, LegacyRow, NullableText, Rows, Whole
from medplum_migration.mapping.field import Constant, Excluded, Field, TraceabilityOnly, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.source import Children

_TYPES = "http://terminology.hl7.org/CodeSystem/organization-type"
_PHONES = {
    1: {"system": "phone", "use": "home"},
    2: {"system": "phone", "use": "work"},
    3: {"system": "phone", "use": "mobile"},
    5: {"system": "fax"},
}
"""Types of telephone numbers, as OpenEMR's source names them; 4 is for emergencies."""


class AddressRow(LegacyRow):
    """The columns of `addresses` that are read."""

    line1: NullableText
    line2: NullableText
    city: NullableText
    district: NullableText
    state: NullableText
    zip: NullableText
    plus_four: NullableText
    country: NullableText


class PhoneRow(LegacyRow):
    """The columns of `phone_numbers` that are read."""

    country_code: NullableText
    area_code: NullableText
    prefix: NullableText
    number: NullableText
    type: Whole


class PayerRow(LegacyRow):
    """The columns of `insurance_companies` that are read, and the rows that belong to one."""

    id: int
    name: NullableText
    inactive: Flag
    cms_id: NullableText
    alt_cms_id: NullableText
    eligibility_id: NullableText
    attn: NullableText
    addresses: Rows[AddressRow]
    phones: Rows[PhoneRow]


def _active(inactive: bool) -> bool:  # noqa: FBT001 because it is a column's value
    return not inactive


def _joined(*parts: str | None) -> str | None:
    return "-".join(part for part in parts if part is not None) or None


def _address(row: AddressRow) -> Iterator[tuple[str, Any]]:
    if lines := [line for line in (row.line1, row.line2) if line is not None]:
        yield "line", lines
    yield "city", row.city
    yield "district", row.district
    yield "state", row.state
    yield "postalCode", _joined(row.zip, row.plus_four)
    yield "country", row.country


def _addresses(rows: tuple[AddressRow, ...]) -> list[dict[str, Any]] | None:
    made = [{name: value for name, value in _address(row) if value is not None} for row in rows]
    return [address for address in made if address] or None


def _telecom(rows: tuple[PhoneRow, ...]) -> list[dict[str, Any]] | None:
    numbers = [(r, _joined(r.country_code, r.area_code, r.prefix, r.number)) for r in rows]
    made = [
        _PHONES.get(row.type or 0, {"system": "phone"}) | {"value": number}
        for row, number in numbers
        if number is not None
    ]
    return made or None


class PayerMapping(Mapping[PayerRow]):
    """A company that pays for care."""

    element, resource = "payers", "Organization"
    row = PayerRow
    table, key, system = "insurance_companies", "id", f"{LEGACY}/id/insurance_companies"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization"
    one_way = "addresses and telephone numbers lie in tables of their own"
    children = (
        Children(
            "addresses",
            "addresses",
            on={"foreign_id": "id"},
            columns=tuple(AddressRow.model_fields),
            order_by=("id",),
        ),
        Children(
            "phones",
            "phone_numbers",
            on={"foreign_id": "id"},
            columns=tuple(PhoneRow.model_fields),
            order_by=("id",),
        ),
    )
    fields = (
        Field("name", "name"),
        Field("inactive", "active", _active),
        Constant("type", [{"coding": [{"system": _TYPES, "code": "pay", "display": "Payer"}]}]),
        Field("cms_id", f"identifier[system={LEGACY}/cms-id].value"),
        Field("alt_cms_id", f"identifier[system={LEGACY}/alternate-cms-id].value"),
        Field("eligibility_id", f"identifier[system={LEGACY}/eligibility-id].value"),
        Field("attn", "contact[id=attention].name.text"),
        Field("addresses", "address", _addresses),
        Field("phones", "telecom", _telecom),
        TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
        TraceabilityOnly(
            *("date_created", "last_updated"), why="when the row was touched: audit of the store"
        ),
        Excluded(
            *("ins_type_code", "cqm_sop", "x12_receiver_id", "x12_default_partner_id"),
            "x12_default_eligibility_id",
            why="how claims and quality reports are filed, not who the payer is",
        ),
    )

    def enrich(self, row: PayerRow, resource: Resource) -> Resource:
        """Refuse what has no name: nobody could tell which company it is."""
        if row.name is None:
            refuse("no name", column="name")
        return resource


payers = PayerMapping()
