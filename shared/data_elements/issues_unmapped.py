"""Columns of `lists` that neither allergies nor medications take to FHIR, and why."""

from medplum_migration.mapping.field import (
    Excluded,
    OutOfScope,
    TraceabilityOnly,
    Unmapped,
    Unsupported,
)

UNMAPPED: tuple[Unmapped, ...] = (
    Excluded("type", why="tells whether a row is an allergy, a medication or a problem"),
    TraceabilityOnly("uuid", why="id in OpenEMR's own API; empty in old rows"),
    TraceabilityOnly(
        *("user", "modifydate"),
        why="login name of who typed it and time of the last change: audit of the legacy store",
    ),
    TraceabilityOnly("erx_source", "erx_uploaded", why="state of the exchange with NewCrop"),
    Excluded("groupname", why="group of the login, not clinical"),
    Excluded(
        *("subtype", "classification", "destination", "returndate", "extrainfo", "reinjury_id"),
        *("injury_part", "injury_type", "injury_grade"),
        why="of problems only: sports injuries and the eye form",
    ),
    Unsupported("occurrence", why="how often a problem came; no place in these resources"),
    Unsupported("referredby", why="free text of who referred; no place in these resources"),
    OutOfScope("udi", "udi_data", why="of implants; comes with the element devices"),
)
