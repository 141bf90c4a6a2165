"""rest-hook Subscriptions: who is told, with which headers, and how often."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.sandbox_medplum.fhir_client import (
    Client,
    Json,
    bundle,
    client_of,
    entry,
    patient,
)

pytestmark = pytest.mark.integration
MEDPLUM = "https://medplum.com/fhir/StructureDefinition/"
SECRET = "https://www.medplum.com/fhir/StructureDefinition/subscription-secret"  # noqa: S105 because it is a URL


@dataclass
class Hook:
    """What arrived, and how many answers are 500 before the first 200."""

    url: str = ""
    failures: int = 0
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def wait(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        """Return what arrived once there are `count` deliveries, and no more a little later."""
        deadline = time.monotonic() + 5
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        return self.received


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Run an endpoint for deliveries."""
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(500 if made.failures > 0 else 200)
            made.failures -= 1
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMedplum]:
    """Start a server that retries after 50, 100, 200 and 400 ms instead of seconds."""
    log = tmp_path_factory.mktemp("quick") / "server.log"
    with EmbeddedMedplum.start(log_path=log, extra=["--retry-base=50", "--transactions"]) as server:
        yield server


@pytest.fixture
def subscriber(quick: EmbeddedMedplum) -> Client:
    """Return a client of the wiped server."""
    quick.reset()
    return client_of(quick)


def _subscribe(
    client: Client, hook: Hook, criteria: str = "Patient", *headers: str, **extensions: Json
) -> Json:
    return client.made(
        {
            "resourceType": "Subscription",
            "status": "active",
            "reason": "test",
            "criteria": criteria,
            "channel": {
                "type": "rest-hook",
                "endpoint": hook.url,
                "payload": "application/fhir+json",
                **({"header": list(headers)} if headers else {}),
            },
            "extension": [
                {"url": (SECRET if name == "secret" else MEDPLUM + name.replace("_", "-")), **value}
                for name, value in extensions.items()
            ],
        }
    )


def test_create_and_update_are_delivered_signed(subscriber: Client, hook: Hook) -> None:
    """A delivery has the stored version with its author, Medplum's headers and a signature."""
    made = _subscribe(subscriber, hook, "Patient", "X-Own: a:b", secret={"valueString": "s"})
    one = subscriber.made(patient("A"))
    changed = subscriber.call("PUT", f"/Patient/{one['id']}", {**one, "gender": "male"}).json
    (first, body), (second, _) = hook.wait(2)
    assert ("create", "update") == (
        first["x-medplum-interaction"],
        second["x-medplum-interaction"],
    )
    assert (made["id"], "a") == (first["x-medplum-subscription"], first["x-own"])
    assert hmac.new(b"s", body, hashlib.sha256).hexdigest() == first["x-signature"]
    sent = json.loads(body)
    author = sent["meta"].pop("author")["reference"]
    assert one == sent
    assert author.startswith("ClientApplication/")
    assert changed["meta"]["versionId"] != one["meta"]["versionId"]


def test_no_op_and_rolled_back_writes_are_silent(subscriber: Client, hook: Hook) -> None:
    """What makes no version, or is undone, is not delivered."""
    one = subscriber.made(patient("A"))
    _subscribe(subscriber, hook)
    subscriber.call("PUT", f"/Patient/{one['id']}", one)
    entries = [entry("POST", "Patient", patient("B")), entry("POST", "Patient", patient("C", x=1))]
    subscriber.call("POST", "", bundle("transaction", *entries))
    assert [] == hook.wait(0)


def test_delete_is_delivered_when_asked(subscriber: Client, hook: Hook) -> None:
    """With the interaction delete, and only then, a deletion arrives with an empty object."""
    _subscribe(subscriber, hook, subscription_supported_interaction={"valueCode": "delete"})
    one = subscriber.made(patient("A"))
    subscriber.call("DELETE", f"/Patient/{one['id']}")
    ((headers, body),) = hook.wait(1)
    assert (b"{}", f"Patient/{one['id']}") == (body, headers["x-medplum-deleted-resource"])


def test_criteria_and_expression_filter(subscriber: Client, hook: Hook) -> None:
    """Search criteria and a FHIRPath expression over author and versions both filter."""
    mine = f"%current.meta.author.reference != 'ClientApplication/{_client_id(subscriber)}'"
    expression = {"valueString": mine}
    _subscribe(subscriber, hook, fhir_path_criteria_expression=expression)
    _subscribe(subscriber, hook, "Patient?_tag:not=urn:run|mine")
    changed = {"valueString": "%previous.exists().not() or %current.gender != %previous.gender"}
    _subscribe(subscriber, hook, "Patient?identifier=D", fhir_path_criteria_expression=changed)
    subscriber.made(patient("A", meta={"tag": [{"system": "urn:run", "code": "mine"}]}))
    assert [] == hook.wait(0)
    subscriber.made(patient("B"))
    assert 1 == len(hook.wait(1))
    tag = {"tag": [{"system": "urn:run", "code": "mine"}]}
    one = subscriber.made(patient("D", meta=tag))
    subscriber.call("PUT", f"/Patient/{one['id']}", {**one, "birthDate": "1990-01-01"})
    subscriber.call("PUT", f"/Patient/{one['id']}", {**one, "gender": "male"})
    assert 3 == len(hook.wait(3))


def _client_id(client: Client) -> str:
    answer = client.call("POST", "/Patient", patient("probe"), X_Medplum="extended")
    return str(answer.json["meta"]["author"]["reference"]).removeprefix("ClientApplication/")


def test_failed_deliveries_are_repeated_then_dropped(subscriber: Client, hook: Hook) -> None:
    """A delivery is tried five times in all."""
    _subscribe(subscriber, hook)
    hook.failures = 2
    subscriber.made(patient("A"))
    assert 3 == len(hook.wait(3))
    hook.failures = 100
    subscriber.made(patient("B"))
    assert 8 == len(hook.wait(8))


def test_stale_retry_is_skipped(subscriber: Client, hook: Hook) -> None:
    """A retry is dropped once a newer version exists."""
    _subscribe(subscriber, hook)
    hook.failures = 1
    one = subscriber.made(patient("A"))
    subscriber.call("PUT", f"/Patient/{one['id']}", {**one, "gender": "male"})
    time.sleep(0.3)
    kinds = [headers["x-medplum-interaction"] for headers, _ in hook.wait(2)]
    assert ["create", "update"] == kinds


def test_inactive_subscription_is_silent(subscriber: Client, hook: Hook) -> None:
    """A subscription that is off gets nothing."""
    made = _subscribe(subscriber, hook)
    subscriber.call("PUT", f"/Subscription/{made['id']}", {**made, "status": "off"})
    subscriber.made(patient("A"))
    assert [] == hook.wait(0)
