"""Devices: `devices.csv` to Device, identified by a UDI in GS1's human-readable form."""

import re

from examples.synthea.elements.patients import patients
from examples.synthea.elements.synthea import (
    ONE_WAY,
    SNOMED,
    Instant,
    Needed,
    coded,
    id_system,
)
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Field, Unsupported, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference

_UDI = re.compile(
    r"\(01\)(?P<device>\d{14})\(11\)\d{6}\(17\)\d{6}\(10\)(?P<lot>\w+)\(21\)(?P<serial>\w+)",
    re.ASCII,
)


class DeviceRow(LegacyRow):
    """The columns that are read."""

    rownum: int
    STOP: Instant
    PATIENT: Needed
    CODE: Needed
    DESCRIPTION: Text
    UDI: Needed


def _identify(udi: str, stop: str | None) -> tuple[list[dict[str, str]], str, str, str]:
    """Give the carrier, the lot, the serial number, and whether the device is in use."""
    found = _UDI.fullmatch(udi) or refuse("no UDI with the five parts of GS1")
    carrier = {"deviceIdentifier": found["device"], "carrierHRF": udi}
    return [carrier], found["lot"], found["serial"], "inactive" if stop else "active"


class DeviceMapping(Mapping[DeviceRow]):
    """A device of a patient; the two-digit years of its UDI are not guessed."""

    element, resource = "devices", "Device"
    row = DeviceRow
    table, key, system = "devices", "rownum", id_system("devices")
    one_way = ONE_WAY
    fields = (
        Field(("UDI", "STOP"), ("udiCarrier", "lotNumber", "serialNumber", "status"), _identify),
        Field(("CODE", "DESCRIPTION"), "type", coded(SNOMED)),
        Reference("PATIENT", "patient", to=patients),
        Unsupported("START", "ENCOUNTER", why="when it was used belongs to DeviceUseStatement"),
    )


devices = DeviceMapping()
