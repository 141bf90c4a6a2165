"""Appointments: the laws, with the codes and traps of OpenEMR's calendar as edges."""

from pathlib import Path
from typing import Any

import pytest

from data_elements.appointments import STATED, STATUS, appointments
from medplum_migration.domain.errors import MappingError
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"


class TestAppointments(laws.Laws):
    """Every law, on made-up rows."""

    mapping = appointments
    goldens = GOLDENS / "appointments"
    edges = {  # noqa: RUF012 because the base declares it
        "pc_pid": Edges((), ("7", "900"), ("", "x")),
        "pc_apptstatus": Edges((), ("-", "@", "x", "%", "^", "AVM"), ("", "#", "!", "booked")),
        "pc_eventDate": Edges((), ("2024-03-10", "2024-12-31"), (None, "0001-01-01", "9999-12-31")),
        "pc_startTime": Edges((), ("09:00:00", "23:30:00"), (None, "02:30:00", "24:00:00")),
        "pc_endTime": Edges((), ("09:30:00", "08:00:00"), (None, "nine")),
        "pc_recurrtype": Edges((0,), (), (1, "x")),
        "pc_alldayevent": Edges((0,), (), (1, "x")),
        "pc_duration": Edges((0,), (60, 1800, "900"), (59, -60, "x")),
        "pc_catid": Edges((0,), (5, 16), ("five",)),
    }


ROW = blank(appointments) | {
    "pc_eid": 1,
    "pc_pid": "2",
    "pc_apptstatus": "-",
    "pc_eventDate": "2024-07-01",
    "pc_startTime": "09:00:00",
    "pc_endTime": "09:30:00",
}


def mapped(**columns: object) -> dict[str, Any]:
    """Map a row that maps to one Appointment."""
    made = appointments.to_fhir(ROW | columns)
    assert not isinstance(made, Quarantine)
    return made[0]


@pytest.mark.parametrize(
    ("column", "columns"),
    [
        ("pc_pid", {"pc_pid": "0"}),
        ("pc_apptstatus", {"pc_apptstatus": ""}),
        ("pc_apptstatus", {"pc_apptstatus": "!"}),
        ("pc_eventDate", {"pc_eventDate": None}),
        ("pc_eventDate", {"pc_eventDate": None, "pc_startTime": None, "pc_endTime": None}),
        ("pc_eventDate", {"pc_endTime": None}),
        ("pc_eventDate", {"pc_eventDate": "2024-03-10", "pc_startTime": "02:30:00"}),
        ("pc_eventDate", {"pc_eventDate": "9999-12-31", "pc_endTime": "08:00:00"}),
        ("pc_recurrtype", {"pc_recurrtype": 1}),
        ("pc_alldayevent", {"pc_alldayevent": 1}),
        ("pc_duration", {"pc_duration": 90}),
    ],
)
def test_quarantine_names_the_column(column: str, columns: dict[str, object]) -> None:
    """What cannot be mapped is quarantined under its column: a series above all."""
    made = appointments.to_fhir(ROW | columns)
    assert isinstance(made, Quarantine)
    assert column == made.column


@pytest.mark.parametrize(
    ("expected", "day"),
    [
        (("2024-03-09T09:00:00-05:00", "2024-03-09T09:30:00-05:00"), "2024-03-09"),
        (("2024-03-10T09:00:00-04:00", "2024-03-10T09:30:00-04:00"), "2024-03-10"),
    ],
)
def test_nine_on_the_wall(expected: tuple[str, str], day: str) -> None:
    """Nine is nine on the clinic's wall, before and after the clocks change."""
    made = mapped(pc_eventDate=day)
    assert expected == (made["start"], made["end"])


def test_past_midnight() -> None:
    """An end before the start lies on the next day, there and back."""
    row = ROW | {"pc_startTime": "23:30:00", "pc_endTime": "00:15:00"}
    made = mapped(**row)
    assert "2024-07-02T00:15:00-04:00" == made["end"]
    assert "00:15:00" == str(appointments.from_fhir(made, ROW)["pc_endTime"])


@pytest.mark.parametrize(
    ("expected", "stated"),
    [
        ({"status": "accepted"}, "AVM"),
        ({"status": "needs-action"}, "^"),
        ({"_status"}, "x"),
    ],
)
def test_what_participants_agreed_to(expected: object, stated: str) -> None:
    """Who agreed follows from the status; who called a visit off is not known."""
    patient = mapped(pc_apptstatus=stated)["participant"][0]
    held = {name: patient[name] for name in ("status", "_status") if name in patient}
    assert expected == (held if "status" in held else set(held))


def test_every_state_of_the_board_returns() -> None:
    """Each of the clinic's states comes back as itself, though FHIR has fewer."""
    for stated in STATUS.forward:
        row = ROW | {"pc_apptstatus": stated}
        written = appointments.from_fhir(mapped(**row), ROW | {"pc_apptstatus": "?"})
        assert stated == written["pc_apptstatus"]


def test_cancelled_in_medplum() -> None:
    """A status set in Medplum goes before the state that the clinic had."""
    edited = mapped(pc_apptstatus="AVM") | {"status": "cancelled"}
    assert STATED == edited["extension"][0]["url"]
    assert "x" == appointments.from_fhir(edited, ROW)["pc_apptstatus"]


@pytest.mark.parametrize(
    "elements",
    [
        {"status": "waitlist"},
        {"end": "2024-07-02T09:00:00-04:00"},
        {"end": "2024-07-01T08:59:59-04:00"},
        {"end": "2024-07-01T09:30:00.500-04:00"},
    ],
)
def test_what_columns_cannot_hold(elements: dict[str, object]) -> None:
    """An edit without a place in the calendar is an error, never a guess."""
    with pytest.raises(MappingError):
        appointments.from_fhir(mapped() | elements, ROW)


def test_moved_in_medplum() -> None:
    """A visit moved in Medplum is written as day and times of the clinic."""
    moved = mapped() | {"start": "2024-12-02T15:00:00Z", "end": "2024-12-02T15:45:00Z"}
    row = appointments.from_fhir(moved | {"minutesDuration": 45}, ROW | {"pc_duration": 1800})
    names = ("pc_eventDate", "pc_startTime", "pc_endTime", "pc_duration")
    assert ["2024-12-02", "10:00:00", "10:45:00", "2700"] == [str(row[name]) for name in names]
