"""The balance of an element: every record ever seen has exactly one disposition in the manifest."""

from medplum_migration.domain.checkpoint import Balance
from medplum_migration.ports.manifest import Manifest


def balance_of(element: str, manifest: Manifest, *, eligible: int) -> Balance:
    """Count the manifest's dispositions against `eligible`, which somebody else has counted."""
    return Balance.of(eligible, (entry.disposition for entry in manifest.entries(element)))
