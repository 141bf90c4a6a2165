"""Appointments: OpenEMR `openemr_postcalendar_events` with a patient to and from Appointment.

Day and times are those of the clock on the clinic's wall. A row that stands for a series is many
appointments: it is refused, as is one that lasts all day or has a status that FHIR does not have.
"""

from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from data_elements.appointments_unmapped import UNMAPPED
from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.local_codes import NUMBER, VISIT_CATEGORY
from data_elements.locations import locations
from data_elements.patients import patients
from data_elements.practitioners import practitioners
from medplum_migration.domain.data_element import Resource
from medplum_migration.fhir.tombstones import absent
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import (
    ClockTime,
    Day,
    LegacyRow,
    Link,
    LocalTime,
    NullableLink,
    NullableText,
    Text,
    TextLink,
)
from medplum_migration.mapping.field import Constant, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import PRESENT, Join
from medplum_migration.mapping.transforms import local_time

STATUS = Codes.packaged("data_elements", "codes/appointment_status.csv")
STATED = f"{LEGACY}/StructureDefinition/appointment-status"
_STATED = f"extension[url={STATED}].valueCoding"
_TIME = local_time(CLINIC_TZ)
_DAY, _MINUTE = timedelta(days=1), 60

_AGREED = {"pending": "needs-action", "cancelled": None}
"""What participants have said, by status; of any other all have accepted, as FHIR defines it."""


class AppointmentRow(LegacyRow):
    """The columns of `openemr_postcalendar_events` that are read, and names of codes."""

    pc_eid: int
    pc_pid: TextLink
    pc_aid: NullableLink
    pc_facility: Link
    pc_catid: Link
    category: NullableText
    pc_title: NullableText
    pc_hometext: NullableText
    pc_apptstatus: Text
    status_title: NullableText
    pc_eventDate: Day  # noqa: N815 because OpenEMR names it so
    pc_startTime: ClockTime  # noqa: N815 because OpenEMR names it so
    pc_endTime: ClockTime  # noqa: N815 because OpenEMR names it so
    pc_recurrtype: Link
    pc_alldayevent: Link
    pc_duration: Link
    pc_time: LocalTime


def _status(code: str) -> tuple[str, str]:
    return STATUS.decode(code), code


def _status_back(status: str | None, stated: str | None) -> str:
    """Keep the clinic's own status as long as it says the same."""
    known = STATUS.forward.get(stated or "")
    return known.legacy if known and known.code == status else STATUS.encode(status)


def _times(
    day: date | None, start: time | None, end: time | None, series: int | None, whole: int | None
) -> tuple[str, str]:
    """Give start and end; an end before the start lies on the next day."""
    if series is not None:
        refuse("a series: one row stands for many appointments", column="pc_recurrtype")
    if whole is not None:
        refuse("an appointment that lasts all day", column="pc_alldayevent")
    if day is None or start is None or end is None:
        refuse("an appointment without day, start or end")
    try:
        until = day + _DAY if end < start else day
    except OverflowError:
        refuse("no calendar day")
    return _TIME.to(datetime.combine(day, start)), _TIME.to(datetime.combine(until, end))


def _times_back(
    start: str | None, end: str | None
) -> tuple[date, time, time, int | None, int | None]:
    first, last = _TIME.back(start), _TIME.back(end)
    if first.microsecond or last.microsecond:
        refuse("the columns hold whole seconds")
    if not first <= last < first + _DAY:
        refuse("the columns hold less than one day")
    return first.date(), first.time(), last.time(), None, None


def _minutes(seconds: int) -> int:
    if seconds < 0 or seconds % _MINUTE:
        refuse("no whole minutes")
    return seconds // _MINUTE


def _seconds(minutes: int) -> int:
    return minutes * _MINUTE


class AppointmentMapping(Mapping[AppointmentRow]):
    """Both directions of an appointment."""

    element, resource = "appointments", "Appointment"
    row = AppointmentRow
    table, key = "openemr_postcalendar_events", "pc_eid"
    system = f"{LEGACY}/id/openemr_postcalendar_events"
    where = MappingProxyType({"pc_pid": PRESENT})
    joins = (
        Join(
            "openemr_postcalendar_categories",
            on={"pc_catid": "pc_catid"},
            columns={"category": "pc_catname"},
        ),
        Join(
            "list_options",
            on={"option_id": "pc_apptstatus"},
            where={"list_id": "apptstat"},
            columns={"status_title": "title"},
        ),
    )
    owns = tuple(
        f"participant[id={who}].{name}"
        for who in ("patient", "provider", "facility")
        for name in ("status", "_status")
    )
    fields = (
        Field(
            "pc_apptstatus",
            ("status", f"{_STATED}.code"),
            _status,
            _status_back,
            why="several states of the clinic's board are one status in FHIR",
        ),
        Field("status_title", f"{_STATED}.display", why="title of the status in list_options"),
        Constant(f"{_STATED}.system", f"{LEGACY}/appointment-status"),
        Field(
            ("pc_eventDate", "pc_startTime", "pc_endTime", "pc_recurrtype", "pc_alldayevent"),
            ("start", "end"),
            _times,
            _times_back,
            why="times on the clinic's wall; a series and a whole day are refused",
        ),
        Field("pc_duration", "minutesDuration", _minutes, _seconds),
        Reference("pc_pid", "participant[id=patient].actor", to=patients),
        Reference("pc_aid", "participant[id=provider].actor", to=practitioners),
        Reference("pc_facility", "participant[id=facility].actor", to=locations),
        Field("pc_catid", f"appointmentType.coding[system={VISIT_CATEGORY}].code", *NUMBER),
        Field("category", "appointmentType.text", why="pc_catname of the category"),
        Field("pc_title", "description"),
        Field("pc_hometext", "comment"),
        Field("pc_time", "created", *_TIME),
        *UNMAPPED,
    )

    def enrich(self, row: AppointmentRow, resource: Resource) -> Resource:
        """Say what participants have agreed to; refuse what FHIR demands and the row lacks."""
        needs = (("pc_pid", row.pc_pid), ("pc_apptstatus", row.pc_apptstatus))
        for column, value in (*needs, ("pc_eventDate", row.pc_eventDate)):
            if value is None:
                refuse("an appointment without it", column=column)
        agreed = _AGREED.get(resource["status"], "accepted")
        said: dict[str, Any] = {"_status": absent()} if agreed is None else {"status": agreed}
        for participant in resource["participant"]:
            participant.update(said)
        return resource


appointments = AppointmentMapping()
