"""Tombstones pass Medplum's own validator."""

import pytest

from medplum_migration.fhir.tombstones import TOMBSTONES
from tests.integration.sandbox_medplum.fhir_client import Client

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("resource_type", sorted(TOMBSTONES))
def test_accepted(client: Client, resource_type: str) -> None:
    """A tombstone of a record that Medplum never saw is created as it is."""
    grave = TOMBSTONES[resource_type]
    identifier = [{"system": "urn:x", "value": "1"}]
    body = {"resourceType": resource_type, "identifier": identifier, **grave.needs, **grave.says}
    answer = client.call("POST", f"/{resource_type}", body)
    assert 201 == answer.status, answer.json
    kept = {name: answer.json[name] for name in body}
    assert body == kept
