"""Columns of `lists` that do not go to Condition, and why."""

from medplum_migration.mapping.field import (
    Excluded,
    OutOfScope,
    TraceabilityOnly,
    Unmapped,
    Unsupported,
)

UNMAPPED: tuple[Unmapped, ...] = (
    TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
    TraceabilityOnly("type", why="the condition that tells problems from others in the table"),
    TraceabilityOnly(
        *("user", "groupname", "modifydate"),
        why="who touched the row, by login name, and when: audit of the legacy store",
    ),
    TraceabilityOnly("list_option_id", why="the suggestion that the title was picked from"),
    Unsupported("subtype", why="names a form of the eye module; needs a reviewed code table"),
    Unsupported("occurrence", why="first, chronic or recurring; needs a reviewed code table"),
    Unsupported("referredby", why="a name as text; Condition has no referrer"),
    Unsupported("extrainfo", why="free text whose meaning depends on the type"),
    OutOfScope(
        *("reaction", "severity_al", "external_allergyid"),
        why="of allergies; comes with the element allergies",
    ),
    OutOfScope("erx_source", "erx_uploaded", why="exchange of allergies and drugs with NewCrop"),
    OutOfScope("udi", "udi_data", why="of medical devices"),
    Excluded(
        *("returndate", "classification", "reinjury_id", "injury_part", "injury_type"),
        *("injury_grade", "destination"),
        why="sports and surgery add-ons of OpenEMR",
    ),
)
