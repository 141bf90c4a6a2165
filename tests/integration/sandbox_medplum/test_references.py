"""Conditional references and the check of references on write."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.sandbox_medplum.fhir_client import (
    Client,
    Json,
    a_uuid,
    bundle,
    by,
    client_of,
    entry,
    observation,
    patient,
)

pytestmark = pytest.mark.integration


def _about(reference: str) -> Json:
    return observation(subject={"reference": reference})


def test_one_match_is_stored_with_its_display(client: Client) -> None:
    """A conditional reference becomes `Patient/<id>` with the display of the target."""
    made = client.made(patient("A"))
    subject = client.made(_about(f"Patient?{by('A')}"))["subject"]
    assert {"reference": f"Patient/{made['id']}", "display": "Jane Doe"} == subject


@pytest.mark.parametrize(
    ("copies", "problem"), [(0, "did not match any resources"), (2, "matched multiple resources")]
)
def test_no_or_many_matches_are_refused(client: Client, copies: int, problem: str) -> None:
    """Anything but one match is 400 and names the place."""
    for _ in range(copies):
        client.made(patient("A"))
    answer = client.call("POST", "/Observation", _about(f"Patient?{by('A')}"))
    assert (400, f"Conditional reference 'Patient?{by('A')}' {problem}") == (
        answer.status,
        answer.text,
    )
    assert ["Observation.subject"] == answer.json["issue"][0]["expression"]


def test_renamed_target_makes_a_new_version(client: Client) -> None:
    """The same PUT is no longer a no-op once the filled-in display differs."""
    target = client.made(patient("A"))
    made = client.made(_about(f"Patient?{by('A')}"))
    again = {**_about(f"Patient?{by('A')}"), "id": made["id"]}
    url = f"/Observation/{made['id']}"
    assert made["meta"]["versionId"] == client.call("PUT", url, again).version
    client.call("PUT", f"/Patient/{target['id']}", {**target, "name": [{"family": "Roe"}]})
    again = {**_about(f"Patient?{by('A')}"), "id": made["id"]}
    assert made["meta"]["versionId"] != client.call("PUT", url, again).version


@pytest.mark.parametrize(
    "reference",
    [
        f"Patient/{a_uuid()}",
        f"Practitioner/{a_uuid()}",
        f"urn:uuid:{a_uuid()}",
        "Patient/legacy-1",
        "https://example.org/fhir/Patient/1",
    ],
)
def test_references_are_not_checked_by_default(client: Client, reference: str) -> None:
    """A fresh project stores any reference as it is."""
    assert reference == client.made(_about(reference))["subject"]["reference"]


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMedplum]:
    """Start a server whose project checks references on write."""
    log = tmp_path_factory.mktemp("strict") / "server.log"
    with EmbeddedMedplum.start(log_path=log, extra=["--check-refs", "--transactions"]) as server:
        yield server


def test_checked_references(strict: EmbeddedMedplum) -> None:
    """With the check on, missing and deleted targets are 400; logical and contained ones pass."""
    client = client_of(strict)
    gone = client.made(patient("A"))
    client.call("DELETE", f"/Patient/{gone['id']}")
    refused = {
        f"Patient/{a_uuid()}": "Invalid reference (Not found)",
        f"urn:uuid:{a_uuid()}": "Invalid reference (Not found)",
        "https://example.org/fhir/Patient/1": "Invalid reference (Not found)",
        f"Patient/{gone['id']}": "Invalid reference (Gone)",
    }
    for reference, problem in refused.items():
        answer = client.call("POST", "/Observation", _about(reference))
        assert (400, problem) == (answer.status, answer.text)
        assert ["Observation.subject"] == answer.json["issue"][0]["expression"]
    client.made(observation(subject={"identifier": {"system": "urn:x", "value": "1"}}))
    contained = [{"resourceType": "Patient", "id": "p"}]
    client.made(observation(subject={"reference": "#p"}, contained=contained))
    client.made(_about(f"Patient/{client.made(patient('B'))['id']}"))


def test_checked_references_in_bundles(strict: EmbeddedMedplum) -> None:
    """A batch checks each entry when it is written, a transaction at its end."""
    strict.reset()
    client = client_of(strict)
    full = f"urn:uuid:{a_uuid()}"
    entries = (
        entry("POST", "Observation", _about(full)),
        entry("POST", "Patient", patient("A"), fullUrl=full),
    )
    assert ["400", "201"] == client.call("POST", "", bundle("batch", *entries)).statuses
    assert 200 == client.call("POST", "", bundle("transaction", *entries)).status
    bad = (*entries, entry("POST", "Observation", _about(f"Patient/{a_uuid()}")))
    assert 400 == client.call("POST", "", bundle("transaction", *bad)).status
    assert 2 == len(client.search("/Patient"))


def test_delete_of_a_target_is_not_checked(log_path: Path) -> None:
    """What others refer to may be deleted, check or no check."""
    with EmbeddedMedplum.start(log_path=log_path, extra=["--check-refs"]) as server:
        client = client_of(server)
        made = client.made(patient("A"))
        client.made(_about(f"Patient/{made['id']}"))
        assert 200 == client.call("DELETE", f"/Patient/{made['id']}").status
