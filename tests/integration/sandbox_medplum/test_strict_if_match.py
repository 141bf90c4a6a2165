"""The switch for the router of 5.2.13, which reads If-Match everywhere."""

import json
from collections.abc import Iterator

import pytest

from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.sandbox_medplum.fhir_client import (
    Client,
    bundle,
    by,
    client_of,
    entry,
    patient,
)

pytestmark = pytest.mark.integration
STALE = 'W/"stale"'


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Start a server with the newer behaviour."""
    log = tmp_path_factory.mktemp("newer") / "server.log"
    with EmbeddedMedplum.start(log_path=log, extra=["--router-if-match=strict"]) as server:
        yield client_of(server)


def test_stale_if_match_is_refused_everywhere(newer: Client) -> None:
    """A conditional PUT, a PATCH and a DELETE with a stale version are 412."""
    made = newer.made(patient("A"))
    url = f"/Patient/{made['id']}"
    body = json.dumps([{"op": "replace", "path": "/gender", "value": "male"}])
    statuses = [
        newer.call(
            "PUT", f"/Patient?{by('A')}", patient("A", gender="male"), If_Match=STALE
        ).status,
        newer.call(
            "PATCH", url, body, Content_Type="application/json-patch+json", If_Match=STALE
        ).status,
        newer.call("DELETE", url, If_Match=STALE).status,
    ]
    assert [412, 412, 412] == statuses
    batch = bundle("batch", entry("DELETE", url[1:], ifMatch=STALE))
    assert ["412"] == newer.call("POST", "", batch).statuses
    assert made == newer.call("GET", url).json
