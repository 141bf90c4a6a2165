"""Fork-owned: one module per data element type, in the order they are loaded."""

from typing import Any

from data_elements.patients import patients
from medplum_migration.mapping.mapping import Mapping

MAPPINGS: tuple[Mapping[Any], ...] = (patients,)
"""What is migrated; what a mapping refers to stands before it."""
