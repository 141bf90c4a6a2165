"""Columns of `prescriptions` that do not go to MedicationRequest, and why."""

from medplum_migration.mapping.field import Excluded, OutOfScope, TraceabilityOnly, Unmapped

UNMAPPED: tuple[Unmapped, ...] = (
    TraceabilityOnly("uuid", why="id in OpenEMR's own API"),
    TraceabilityOnly(
        *("date_modified", "datetime", "user", "created_by", "updated_by"),
        why="who touched the row and when: audit of the legacy store",
    ),
    TraceabilityOnly(
        *("prescriptionguid", "erx_source", "erx_uploaded", "drug_info_erx", "site"),
        *("ntx", "rtx", "txDate"),
        why="state of the exchange with the e-prescribing service",
    ),
    OutOfScope("drug_id", why="the clinic's own dispensary, table drugs; not migrated"),
    OutOfScope("pharmacy_id", why="points at pharmacies, which are not migrated yet"),
    OutOfScope("filled_by_id", "filled_date", why="a dispense: comes with MedicationDispense"),
    Excluded("medication", why="whether the drug was also put on the medication list"),
)
