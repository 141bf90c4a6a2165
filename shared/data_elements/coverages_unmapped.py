"""Columns of `insurance_data` that do not go to Coverage, and why."""

from medplum_migration.mapping.field import (
    Excluded,
    OutOfScope,
    TraceabilityOnly,
    Unmapped,
    Unsupported,
)

UNMAPPED: tuple[Unmapped, ...] = (
    TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
    OutOfScope(
        *("subscriber_ss", "subscriber_DOB", "subscriber_sex", "subscriber_phone"),
        *("subscriber_street", "subscriber_street_line_2", "subscriber_city"),
        *("subscriber_state", "subscriber_postal_code", "subscriber_country"),
        why="about the subscriber: a RelatedPerson, when that element is migrated",
    ),
    OutOfScope(
        *("subscriber_employer", "subscriber_employer_street"),
        *("subscriber_employer_street_line_2", "subscriber_employer_city"),
        *("subscriber_employer_state", "subscriber_employer_postal_code"),
        "subscriber_employer_country",
        why="the subscriber's employer, no party to the coverage",
    ),
    Unsupported("copay", why="text of any form; R4 wants an amount of money"),
    Excluded(*("accept_assignment", "policy_type"), why="how claims are filed"),
)
