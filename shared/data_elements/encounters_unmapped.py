"""Columns of `form_encounter` that do not go to Encounter, and why."""

from medplum_migration.mapping.field import Excluded, TraceabilityOnly, Unmapped, Unsupported

UNMAPPED: tuple[Unmapped, ...] = (
    TraceabilityOnly("id", why="row number; other tables point at encounter"),
    TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
    TraceabilityOnly("last_update", why="when the row was touched: audit of the legacy store"),
    Unsupported(
        "parent_encounter_id",
        why="a visit within a visit: the rows of one element are loaded in no order",
    ),
    Unsupported("onset_date", why="onset of the illness or day of admission, one or the other"),
    Excluded(
        *("billing_note", "last_level_billed", "last_level_closed", "last_stmt_date"),
        *("stmt_count", "invoice_refno", "billing_facility", "pos_code", "voucher_number"),
        "in_collection",
        why="billing of the clinic, not clinical",
    ),
    Excluded("referral_source", why="marketing of the clinic"),
    Excluded("shift", why="statistics of the clinic's day"),
)
