"""Columns of `immunizations` that do not go to Immunization, and why."""

from medplum_migration.mapping.field import TraceabilityOnly, Unmapped

UNMAPPED: tuple[Unmapped, ...] = (
    TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
    TraceabilityOnly(
        *("update_date", "created_by", "updated_by"),
        why="who touched the row and when: audit of the legacy store",
    ),
)
