"""Laboratory results: OpenEMR `procedure_result` to Observation.

Patient, order and times come through the report. A number with a unit is a quantity, in UCUM where
the unit table knows it; everything else stays the text that it is.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from data_elements.clinic import LEGACY
from data_elements.encounters import encounters
from data_elements.lab_orders import lab_orders
from data_elements.laboratory import coded, instant, laboratory_only
from data_elements.patients import patients
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import (
    LegacyRow,
    Link,
    LocalTime,
    NullableLink,
    NullableText,
    Text,
    Whole,
)
from medplum_migration.mapping.field import (
    ColumnDisposition,
    Field,
    OutOfScope,
    TraceabilityOnly,
    Unsupported,
    refuse,
)
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.quantity import UCUM
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Join

STATUS = Codes.packaged("data_elements", "codes/result_status.csv")
ABNORMAL = Codes.packaged(
    "data_elements", "codes/result_abnormal.csv", local=f"{LEGACY}/result-abnormal"
)
UNIT = Codes.packaged("data_elements", "codes/lab_unit.csv")

_CATEGORY = {
    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
    "code": "laboratory",
    "display": "Laboratory",
}
_ABSENT = {
    "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    "code": "unknown",
    "display": "Unknown",
}
_NUMBER = re.compile(r"(<=|>=|<|>)? ?(-?\d{1,15}(?:\.\d{1,15})?)", re.ASCII)


class LabResultRow(LegacyRow):
    """The columns of `procedure_result` that are read, and those of its report and order."""

    procedure_result_id: int
    result_data_type: Text
    result_code: Text
    result_text: Text
    date: LocalTime
    facility: Text
    units: Text
    result: Text
    range: Text
    abnormal: Text
    comments: NullableText
    result_status: Text
    procedure_order_id: NullableLink
    procedure_order_seq: Whole
    date_collected: LocalTime
    date_collected_tz: Text
    date_report: LocalTime
    date_report_tz: Text
    patient_id: Link
    encounter_id: Link
    procedure_order_type: Text


def _said(
    result: str | None, units: str | None, data_type: str | None, comments: str | None
) -> tuple[dict[str, Any] | None, str | None, list[dict[str, str]] | None]:
    """Give quantity or text, and the note; a long text (L) is the first line of the comments."""
    if data_type == "L" and result is None and comments is not None:
        first, _, comments = comments.strip().partition("\n")
        result = first.strip()
    note = [{"text": comments}] if comments and not comments.isspace() else None
    if result is None:
        return None, None, note
    number = _NUMBER.fullmatch(result.strip())
    if number is None or (data_type != "N" and units is None):
        return None, result if units is None else f"{result} {units}", note
    return _quantity(number[1], Decimal(number[2]), units), None, note


def _quantity(comparator: str | None, value: Decimal, units: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"value": value}
    if comparator is not None:
        made["comparator"] = comparator
    if units is not None:
        made["unit"] = units
        known = UNIT.forward.get(units.strip())
        made |= {"system": UCUM, "code": known.code} if known else {}
    return made


def _effective(collected: datetime | None, offset: str | None, date: datetime | None) -> str | None:
    taken = instant(collected, offset, column="date_collected")
    return taken or instant(date, None, column="date")


def _issued(reported: datetime | None, offset: str | None) -> str | None:
    return instant(reported, offset, column="date_report")


def _category(order_type: str) -> list[dict[str, Any]]:
    laboratory_only(order_type)
    return [{"coding": [_CATEGORY]}]


def _text(text: str) -> list[dict[str, str]]:
    return [{"text": text}]


def _interpretation(abnormal: str) -> list[dict[str, Any]]:
    return [ABNORMAL.decode_concept(abnormal)]


def _performer(facility: str) -> list[dict[str, str]]:
    return [{"display": facility}]


class LabResultMapping(Mapping[LabResultRow]):
    """One result."""

    element, resource = "lab_results", "Observation"
    row = LabResultRow
    table, key = "procedure_result", "procedure_result_id"
    system = f"{LEGACY}/id/procedure_result"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab"
    one_way = "results are the laboratory's: a correction comes from there as a new version"
    joins = (
        Join(
            "procedure_report",
            on={"procedure_report_id": "procedure_report_id"},
            columns={
                name: name
                for name in (
                    *("procedure_order_id", "procedure_order_seq"),
                    *("date_collected", "date_collected_tz", "date_report", "date_report_tz"),
                )
            },
        ),
        Join(
            "procedure_order",
            on={"procedure_order_id": "procedure_order_id"},
            columns={name: name for name in ("patient_id", "encounter_id", "procedure_order_type")},
        ),
    )
    fields = (
        Field("result_status", "status", STATUS.decode, STATUS.encode),
        Field("procedure_order_type", "category", _category),
        Field(("result_code", "result_text"), "code", coded),
        Reference("patient_id", "subject", to=patients),
        Reference("encounter_id", "encounter", to=encounters),
        Reference(
            ("procedure_order_id", "procedure_order_seq"), "basedOn[id=order]", to=lab_orders
        ),
        Field(
            ("date_collected", "date_collected_tz", "date"),
            "effectiveDateTime",
            _effective,
            lossy=True,
            why="when the specimen was taken; the result's own date only where that is missing",
        ),
        Field(("date_report", "date_report_tz"), "issued", _issued),
        Field(
            ("result", "units", "result_data_type", "comments"),
            ("valueQuantity", "valueString", "note"),
            _said,
            disposition=ColumnDisposition.CONDITIONAL,
            lossy=True,
            why="the data type only tells how to read the result",
        ),
        Field("abnormal", "interpretation", _interpretation),
        Field("range", "referenceRange", _text, why="text: whom it applies to is not known"),
        Field("facility", "performer", _performer, why="free text, no key of a laboratory"),
        TraceabilityOnly("uuid", why="id of the result in OpenEMR's own API"),
        TraceabilityOnly("procedure_report_id", why="the report refers to its results"),
        OutOfScope("document_id", why="points at documents; comes with the element documents"),
        Unsupported("date_end", why="end of a span whose beginning is not told"),
    )
    owns = ("dataAbsentReason",)

    def enrich(self, row: LabResultRow, resource: Resource) -> Resource:
        """Refuse what FHIR and US Core demand and is not there; say that a value is absent."""
        if row.patient_id is None:
            refuse("no patient: report or head of the test is missing", column="patient_id")
        if row.result_status is None:
            refuse("no status", column="result_status")
        if row.procedure_order_type is None:
            refuse("no type of the order", column="procedure_order_type")
        if "code" not in resource:
            refuse("neither code nor name of the test", column="result_code")
        if not resource.keys() & {"valueQuantity", "valueString"}:
            resource["dataAbsentReason"] = {"coding": [dict(_ABSENT)]}
        return resource


lab_results = LabResultMapping()
