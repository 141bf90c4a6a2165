"""Orders: OpenEMR `procedure_order_code` with its head `procedure_order` to ServiceRequest.

One order asks for several tests, each a ServiceRequest with the key (order, position). Specimen,
transmission and billing of the head are not read. A deleted order is in error; what was found on it
stays.
"""

from typing import Any

from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.encounters import encounters
from data_elements.laboratory import coded, diagnoses
from data_elements.patients import patients
from data_elements.practitioners import practitioners
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import (
    Flag,
    LegacyRow,
    Link,
    LocalTime,
    NullableText,
    Text,
)
from medplum_migration.mapping.field import (
    ColumnDisposition,
    Excluded,
    Field,
    TraceabilityOnly,
    Unsupported,
    refuse,
)
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Join
from medplum_migration.mapping.transforms import local_time

STATUS = Codes.packaged("data_elements", "codes/request_status.csv")
INTENT = Codes.packaged("data_elements", "codes/request_intent.csv")
PRIORITY = Codes.packaged("data_elements", "codes/request_priority.csv")
TYPE = Codes.packaged("data_elements", "codes/request_type.csv", local=f"{LEGACY}/order-type")

_HEAD = (
    *("patient_id", "encounter_id", "provider_id", "date_ordered", "scheduled_date"),
    *("order_status", "activity", "order_intent", "order_priority", "procedure_order_type"),
    *("order_diagnosis", "patient_instructions", "clinical_hx"),
)


class LabOrderRow(LegacyRow):
    """The columns of `procedure_order_code` that are read, and those of `procedure_order`."""

    procedure_order_id: int
    procedure_order_seq: int
    procedure_code: Text
    procedure_name: Text
    diagnoses: NullableText
    patient_id: Link
    encounter_id: Link
    provider_id: Link
    date_ordered: LocalTime
    scheduled_date: LocalTime
    order_status: Text
    activity: Flag
    order_intent: Text
    order_priority: Text
    procedure_order_type: Text
    order_diagnosis: Text
    patient_instructions: NullableText
    clinical_hx: Text


def _status(status: str | None, active: bool | None) -> str:  # noqa: FBT001 because it is a column
    if active is False:
        return "entered-in-error"
    if status is None:
        refuse("no status")
    return STATUS.decode(status)


def _category(order_type: str) -> list[dict[str, Any]]:
    return [TYPE.decode_concept(order_type)]


def _note(text: str) -> list[dict[str, str]]:
    return [{"text": text}]


class LabOrderMapping(Mapping[LabOrderRow]):
    """One ordered test."""

    element, resource = "lab_orders", "ServiceRequest"
    row = LabOrderRow
    table, key = "procedure_order_code", ("procedure_order_id", "procedure_order_seq")
    system = f"{LEGACY}/id/procedure_order_code"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-servicerequest"
    one_way = "an order and its tests are two tables; orders are changed where they are sent from"
    joins = (
        Join(
            "procedure_order",
            on={"procedure_order_id": "procedure_order_id"},
            columns={name: name for name in _HEAD},
        ),
    )
    fields = (
        Field(
            ("order_status", "activity"),
            "status",
            _status,
            disposition=ColumnDisposition.CONDITIONAL,
            lossy=True,
            why="a deleted order is in error, whatever its status; waiting and sent are active",
        ),
        Field("order_intent", "intent", INTENT.decode, INTENT.encode),
        Field(
            "order_priority",
            "priority",
            PRIORITY.decode,
            PRIORITY.encode,
            lossy=True,
            why="normal is routine, and high is urgent, which FHIR defines as above routine",
        ),
        Field("procedure_order_type", "category", _category),
        Field(("procedure_code", "procedure_name"), "code", coded),
        Reference("patient_id", "subject", to=patients),
        Reference("encounter_id", "encounter", to=encounters),
        Reference("provider_id", "requester", to=practitioners, orphans=True),
        Field("date_ordered", "authoredOn", *local_time(CLINIC_TZ)),
        Field("scheduled_date", "occurrenceDateTime", *local_time(CLINIC_TZ)),
        Field(
            ("diagnoses", "order_diagnosis"),
            "reasonCode",
            diagnoses,
            why="of the test and of the whole order, each diagnosis once",
        ),
        Field("patient_instructions", "patientInstruction"),
        Field("clinical_hx", "note", _note),
        TraceabilityOnly(
            *("procedure_source", "do_not_send", "transport"),
            why="how the order reached the laboratory, not what was ordered",
        ),
        Excluded(
            *("procedure_order_title", "procedure_type"),
            why="what kind of entry was picked on the form; procedure_order_type says it",
        ),
        Unsupported("date_end", why="end of a procedure that was done, no part of the order"),
        Unsupported(
            *("reason_code", "reason_description", "reason_status"),
            *("reason_date_low", "reason_date_high"),
            why="reason for or against the order, told apart by a status without a reviewed table",
        ),
    )

    def enrich(self, row: LabOrderRow, resource: Resource) -> Resource:
        """Refuse what FHIR and US Core demand and the row does not say."""
        if row.patient_id is None:
            refuse("no patient: the head of the test is missing", column="patient_id")
        if "status" not in resource:
            refuse("no status", column="order_status")
        if row.order_intent is None:
            refuse("no intent", column="order_intent")
        if "code" not in resource:
            refuse("neither code nor name of the test", column="procedure_code")
        return resource


lab_orders = LabOrderMapping()
