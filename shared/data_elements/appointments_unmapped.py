"""Columns of `openemr_postcalendar_events` that do not go to Appointment, and why."""

from medplum_migration.mapping.field import (
    Excluded,
    OutOfScope,
    TraceabilityOnly,
    Unmapped,
    Unsupported,
)

UNMAPPED: tuple[Unmapped, ...] = (
    TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
    TraceabilityOnly("pc_informant", why="who entered the row: audit of the legacy store"),
    TraceabilityOnly("pc_multiple", why="marks copies of one event, a row for each provider"),
    OutOfScope("pc_gid", why="therapy group; comes with the element groups"),
    OutOfScope(
        *("pc_endDate", "pc_recurrspec", "pc_recurrfreq"),
        why="rule of a series; a series is refused until it is migrated as single appointments",
    ),
    Unsupported("pc_room", why="where the patient waits now: state of the board, no Location"),
    Unsupported("pc_location", why="text or serialized PHP, by version; see pc_facility"),
    Unsupported("pc_prefcatid", why="category that a free slot is kept for, not of the visit"),
    Excluded("pc_billing_location", why="billing of the clinic, not clinical"),
    Excluded(
        "pc_sendalertsms", "pc_sendalertemail", why="state of reminders that OpenEMR has sent"
    ),
    Excluded(
        *("pc_comments", "pc_counter", "pc_topic", "pc_language", "pc_sharing"),
        *("pc_eventstatus", "pc_conttel", "pc_contname", "pc_contemail", "pc_website", "pc_fee"),
        why="of the public calendar that OpenEMR's was made from; not used for patients",
    ),
)
