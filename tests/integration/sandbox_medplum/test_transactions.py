"""Transactions with the project feature on."""

from collections.abc import Iterator

import pytest

from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.sandbox_medplum.fhir_client import (
    Answer,
    Client,
    Json,
    bundle,
    by,
    client_of,
    entry,
    patient,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def atomic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMedplum]:
    """Start a server whose project has the feature transaction-bundles."""
    log = tmp_path_factory.mktemp("atomic") / "server.log"
    with EmbeddedMedplum.start(log_path=log, extra=["--transactions"]) as server:
        yield server


@pytest.fixture
def tx(atomic: EmbeddedMedplum) -> Client:
    """Return a client of the wiped server."""
    atomic.reset()
    return client_of(atomic)


def _send(client: Client, *entries: Json) -> Answer:
    return client.call("POST", "", bundle("transaction", *entries))


def test_one_failing_entry_undoes_all(tx: Client) -> None:
    """The bundle answers with the failing entry's outcome and stores nothing."""
    made = tx.made(patient("M"))
    url = f"Patient/{made['id']}"
    new = entry("POST", "Patient", patient("A"))
    change = entry("PUT", url, {**made, "gender": "male"})
    invalid = entry("POST", "Patient", patient("B", foo=1))
    stale = entry("PUT", url, {**made, "gender": "other"}, ifMatch='W/"stale"')
    assert 400 == _send(tx, new, change, invalid).status
    assert 412 == _send(tx, new, stale).status
    assert [made["id"]] == tx.search("/Patient")
    assert made == tx.call("GET", "/" + url).json
    assert 1 == tx.call("GET", f"/{url}/_history").json["total"]


def test_rollback_keeps_search_in_order(tx: Client) -> None:
    """After a rollback the index and the order of lastUpdated are as before."""
    ids = [tx.made(patient(name))["id"] for name in ("A", "B", "C")]
    stored = tx.call("GET", f"/Patient/{ids[0]}").json
    _send(
        tx,
        entry("DELETE", f"Patient/{ids[1]}"),
        entry("PUT", f"Patient/{ids[0]}", {**stored, "identifier": [{"value": "Z"}]}),
        entry("POST", "Patient", patient("X", foo=1)),
    )
    assert ids == tx.search("/Patient?_sort=_lastUpdated")
    assert [ids[0]] == tx.search(f"/Patient?{by('A')}")
    assert [] == tx.search("/Patient?identifier=Z")


def test_limits(tx: Client) -> None:
    """More than 8 entries with a conditional one, or 51 updates, are 400; many POSTs are not."""
    upserts = [entry("PUT", f"Patient?{by(str(i))}", patient(str(i))) for i in range(9)]
    answer = _send(tx, *upserts)
    assert (400, "Transaction requires strict isolation but has too many entries") == (
        answer.status,
        answer.text,
    )
    assert 200 == _send(tx, *upserts[:8]).status
    made = [tx.made(patient(f"M{i}")) for i in range(51)]
    puts = [entry("PUT", f"Patient/{m['id']}", {**m, "gender": "male"}) for m in made]
    answer = _send(tx, *puts)
    assert (400, "Transaction contains more update operations than allowed") == (
        answer.status,
        answer.text,
    )
    assert 200 == _send(tx, *puts[:50]).status
    posts = [entry("POST", "Patient", patient(f"N{i}")) for i in range(2000)]
    assert 200 == _send(tx, *posts).status


def test_same_identity_twice(tx: Client) -> None:
    """One resource may be in a transaction only once."""
    made = tx.made(patient("A"))
    put = entry("PUT", f"Patient/{made['id']}", made)
    answer = _send(tx, put, put)
    assert (400, "Duplicate resource identity found in Bundle") == (answer.status, answer.text)


def test_asynchronous_transaction_is_refused(tx: Client) -> None:
    """A transaction cannot be asynchronous."""
    body = bundle("transaction", entry("POST", "Patient", patient("A")))
    assert 400 == tx.call("POST", "", body, Prefer="respond-async").status
