"""Tombstones: valid FHIR for every resource type, without knowing anything of the record."""

import pytest

from medplum_migration.fhir.strict import validate
from medplum_migration.fhir.tombstones import TOMBSTONES


@pytest.mark.parametrize("resource_type", sorted(TOMBSTONES))
def test_valid(resource_type: str) -> None:
    """What a tombstone says and needs is a valid resource."""
    grave = TOMBSTONES[resource_type]
    identifier = [{"system": "urn:x", "value": "1"}]
    validate({"resourceType": resource_type, "identifier": identifier, **grave.needs, **grave.says})
