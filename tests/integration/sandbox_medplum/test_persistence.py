"""The journal: nothing that was answered is lost, whatever kills the server."""

from pathlib import Path

import pytest

from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.sandbox_medplum.fhir_client import (
    bundle,
    client_of,
    entry,
    patient,
)

pytestmark = pytest.mark.integration


def test_sigkill_loses_nothing(log_path: Path, tmp_path: Path) -> None:
    """After SIGKILL resources, deletions, history, order and bytes are as before."""
    data = tmp_path / "journal.jsonl"
    with EmbeddedMedplum.start(log_path=log_path, data=data) as server:
        client = client_of(server)
        entries = [entry("POST", "Patient", patient(f"ä{i}")) for i in range(50)]
        client.call("POST", "", bundle("batch", *entries))
        made = client.made(patient("A"))
        url = f"/Patient/{made['id']}"
        client.call("PUT", url, {**made, "gender": "male"})
        gone = client.made(patient("B"))
        client.call("DELETE", f"/Patient/{gone['id']}")
        binary = client.call("POST", "/Binary", b"\x00\xff", Content_Type="application/pdf").json
        sweep = client.search("/Patient?_sort=_lastUpdated&_count=100")
        history = client.call("GET", url + "/_history").json
        server.kill()
    with EmbeddedMedplum.start(log_path=log_path, data=data) as server:
        client = client_of(server)
        assert sweep == client.search("/Patient?_sort=_lastUpdated&_count=100")
        again = client.call("GET", url + "/_history").json
        versions = [e["resource"] for e in history["entry"]]
        assert versions == [e["resource"] for e in again["entry"]]
        assert 410 == client.call("GET", f"/Patient/{gone['id']}").status
        assert b"\x00\xff" == client.call("GET", f"/Binary/{binary['id']}", Accept="*/*").content
        later = client.made(patient("C"))["meta"]["lastUpdated"]
        assert later >= versions[0]["meta"]["lastUpdated"]


def test_token_outlives_a_restart(log_path: Path, tmp_path: Path) -> None:
    """A token of the killed server is good at the next one."""
    data = tmp_path / "journal.jsonl"
    with EmbeddedMedplum.start(log_path=log_path, data=data) as server:
        token = client_of(server).token
        server.kill()
    with EmbeddedMedplum.start(log_path=log_path, data=data) as server:
        answer = client_of(server).call("GET", "/Patient", Authorization=f"Bearer {token}")
        assert 200 == answer.status


def test_torn_line_is_cut_off(log_path: Path, tmp_path: Path) -> None:
    """A last line that was not written whole is dropped, and writing goes on after it."""
    data = tmp_path / "journal.jsonl"
    for value in ("A", "B"):
        with EmbeddedMedplum.start(log_path=log_path, data=data) as server:
            client_of(server).made(patient(value))
        with data.open("a") as journal:
            journal.write('[{"type":"Patient","id":')
    with EmbeddedMedplum.start(log_path=log_path, data=data) as server:
        assert 2 == len(client_of(server).search("/Patient"))


def test_transaction_that_failed_leaves_no_trace(log_path: Path, tmp_path: Path) -> None:
    """What was rolled back is not in the journal."""
    data = tmp_path / "journal.jsonl"
    options = ["--transactions"]
    with EmbeddedMedplum.start(log_path=log_path, data=data, extra=options) as server:
        entries = [
            entry("POST", "Patient", patient("A")),
            entry("POST", "Patient", patient("B", x=1)),
        ]
        client_of(server).call("POST", "", bundle("transaction", *entries))
    assert "" == data.read_text()


def test_reset_empties_the_journal(log_path: Path, tmp_path: Path) -> None:
    """After a reset a restart finds nothing."""
    data = tmp_path / "journal.jsonl"
    with EmbeddedMedplum.start(log_path=log_path, data=data) as server:
        client_of(server).made(patient("A"))
        server.reset()
        client_of(server).made(patient("B"))
    assert 1 == len(data.read_text().splitlines())
