"""Laboratory reports: OpenEMR `procedure_report` to DiagnosticReport, which refers to its results.

What was reported on stands in the ordered test, for whom in the order.
"""

from datetime import datetime
from typing import Any

from data_elements.clinic import LEGACY
from data_elements.encounters import encounters
from data_elements.lab_orders import lab_orders
from data_elements.lab_results import lab_results
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
    Rows,
    Text,
    Whole,
)
from medplum_migration.mapping.field import Field, TraceabilityOnly, Unsupported, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Children, Join

STATUS = Codes.packaged("data_elements", "codes/report_status.csv")

_CATEGORY = {
    "system": "http://terminology.hl7.org/CodeSystem/v2-0074",
    "code": "LAB",
    "display": "Laboratory",
}


class ResultRow(LegacyRow):
    """A result of the report."""

    procedure_result_id: int


class LabReportRow(LegacyRow):
    """The columns of `procedure_report` that are read, and those of its test and order."""

    procedure_report_id: int
    procedure_order_id: NullableLink
    procedure_order_seq: Whole
    date_collected: LocalTime
    date_collected_tz: Text
    date_report: LocalTime
    date_report_tz: Text
    specimen_num: Text
    report_status: Text
    report_notes: NullableText
    procedure_code: Text
    procedure_name: Text
    patient_id: Link
    encounter_id: Link
    procedure_order_type: Text
    results: Rows[ResultRow]


def _effective(collected: datetime | None, offset: str | None) -> str | None:
    return instant(collected, offset, column="date_collected")


def _issued(reported: datetime | None, offset: str | None) -> str | None:
    return instant(reported, offset, column="date_report")


def _category(order_type: str) -> list[dict[str, Any]]:
    laboratory_only(order_type)
    return [{"coding": [_CATEGORY]}]


def _specimen(text: str) -> list[dict[str, str]]:
    return [{"display": text}]


def _results(rows: tuple[ResultRow, ...]) -> list[Resource]:
    return [lab_results.refer(row.procedure_result_id) for row in rows]


class LabReportMapping(Mapping[LabReportRow]):
    """One report."""

    element, resource = "lab_reports", "DiagnosticReport"
    row = LabReportRow
    table, key = "procedure_report", "procedure_report_id"
    system = f"{LEGACY}/id/procedure_report"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-lab"
    one_way = "reports are the laboratory's: a correction comes from there as a new version"
    refers_to = (lab_results,)
    joins = (
        Join(
            "procedure_order_code",
            on={
                "procedure_order_id": "procedure_order_id",
                "procedure_order_seq": "procedure_order_seq",
            },
            columns={"procedure_code": "procedure_code", "procedure_name": "procedure_name"},
        ),
        Join(
            "procedure_order",
            on={"procedure_order_id": "procedure_order_id"},
            columns={name: name for name in ("patient_id", "encounter_id", "procedure_order_type")},
        ),
    )
    children = (
        Children(
            "results",
            "procedure_result",
            on={"procedure_report_id": "procedure_report_id"},
            columns=("procedure_result_id",),
            order_by=("procedure_result_id",),
        ),
    )
    fields = (
        Field(
            "report_status",
            "status",
            STATUS.decode,
            STATUS.encode,
            lossy=True,
            why="complete and final are one state",
        ),
        Field("procedure_order_type", "category", _category),
        Field(("procedure_code", "procedure_name"), "code", coded),
        Reference("patient_id", "subject", to=patients),
        Reference("encounter_id", "encounter", to=encounters),
        Reference(
            ("procedure_order_id", "procedure_order_seq"), "basedOn[id=order]", to=lab_orders
        ),
        Field(("date_collected", "date_collected_tz"), "effectiveDateTime", _effective),
        Field(("date_report", "date_report_tz"), "issued", _issued),
        Field("specimen_num", "specimen", _specimen, why="a number or a kind: text of no system"),
        Field("results", "result", _results),
        Field("report_notes", "conclusion", why="R4 has no other place for the laboratory's notes"),
        TraceabilityOnly("uuid", why="id of the report in OpenEMR's own API"),
        TraceabilityOnly("source", why="who typed the report: audit of the legacy store"),
        Unsupported("review_status", why="whether the clinic has looked at it: work, no content"),
    )

    def enrich(self, row: LabReportRow, resource: Resource) -> Resource:
        """Refuse what FHIR and US Core demand and the rows do not say."""
        if row.patient_id is None:
            refuse("no patient: the head of the test is missing", column="patient_id")
        if row.report_status is None:
            refuse("no status", column="report_status")
        if row.procedure_order_type is None:
            refuse("no type of the order", column="procedure_order_type")
        if "code" not in resource:
            refuse("neither code nor name of the test", column="procedure_code")
        if resource["status"] != "cancelled":
            self._dated(row)
        return resource

    def _dated(self, row: LabReportRow) -> None:
        """Refuse a report without its times (us-core-8, us-core-9)."""
        if row.date_collected is None:
            refuse("no time at which the specimen was taken", column="date_collected")
        if row.date_report is None:
            refuse("no time of the report", column="date_report")


lab_reports = LabReportMapping()
