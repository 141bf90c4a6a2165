"""A bare HTTP client for the tests: nothing is retried, checked or hidden."""

import http.client
import json
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from sandbox.medplum.server import EmbeddedMedplum

SYSTEM = "https://example.org/mrn"
Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What came back; `json` is the parsed body, or None when it was empty or not JSON."""

    status: int
    headers: dict[str, str]
    content: bytes
    json: Any

    @property
    def text(self) -> str:
        """The first issue's text, the message a person would read."""
        return str(self.json["issue"][0]["details"]["text"])

    @property
    def version(self) -> str:
        """The version id of the resource."""
        return str(self.json["meta"]["versionId"])

    @property
    def statuses(self) -> list[str]:
        """The status of each entry of a response bundle."""
        return [entry["response"]["status"] for entry in self.json["entry"]]

    def outcome(self, index: int) -> str:
        """Return the message of one entry of a response bundle."""
        return str(self.json["entry"][index]["response"]["outcome"]["issue"][0]["details"]["text"])


@dataclass(frozen=True)
class Client:
    """Sends to one server as one client, with a token fetched at once."""

    base_url: str
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send to `/fhir/R4<path>`; header names are given with underscores."""
        return self.raw(method, "/fhir/R4" + path, body, **headers)

    def raw(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send to a path of the server; bytes and text go as they are, the rest as JSON."""
        sent = {"Content-Type": "application/fhir+json", **self.headers}
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        plain = body if body is None or isinstance(body, bytes | str) else json.dumps(body)
        host = urlsplit(self.base_url).netloc
        with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
            connection.request(method, path, plain, sent)
            answer = connection.getresponse()
            content = answer.read()
            names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, content, _parsed(content))

    def search(self, path: str) -> list[str]:
        """Return the ids of the matches of a search that must succeed."""
        answer = self.call("GET", path)
        assert 200 == answer.status, answer.json
        return [entry["resource"]["id"] for entry in answer.json.get("entry", [])]

    def made(self, resource: Json) -> Json:
        """Create a resource that must be accepted and return it."""
        answer = self.call("POST", "/" + resource["resourceType"], resource)
        assert 201 == answer.status, answer.json
        return dict(answer.json)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def token_for(server: EmbeddedMedplum) -> str:
    """Return a fresh access token."""
    form = {
        "grant_type": "client_credentials",
        "client_id": server.client_id,
        "client_secret": server.client_secret,
    }
    answer = Client(server.base_url, None).raw(
        "POST", "/oauth2/token", urlencode(form), Content_Type="application/x-www-form-urlencoded"
    )
    return str(answer.json["access_token"])


def client_of(server: EmbeddedMedplum) -> Client:
    """Return a client with a token."""
    return Client(server.base_url, token_for(server))


def by(value: str, system: str = SYSTEM) -> str:
    """Return the query `identifier=system|value`, percent-encoded."""
    return "identifier=" + quote(f"{system}|{value}", safe="")


def patient(value: str, **more: object) -> Json:
    """Return a Patient with one identifier."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": SYSTEM, "value": value}],
        "name": [{"family": "Doe", "given": ["Jane"]}],
        "gender": "female",
        **more,
    }


def observation(**more: object) -> Json:
    """Return an Observation without a subject."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        **more,
    }


def entry(method: str, url: str, resource: Json | None = None, **request: str) -> Json:
    """Return a bundle entry; `fullUrl` is taken out of `request`."""
    full_url = request.pop("fullUrl", None)
    made: Json = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


def bundle(kind: str, *entries: Json) -> Json:
    """Return a Bundle of the given type."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def a_uuid() -> str:
    """Return an id that no resource has."""
    return str(uuid.uuid4())
