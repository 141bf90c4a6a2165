"""OAuth2 client credentials."""

import base64
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from sandbox.medplum.server import EmbeddedMedplum
from tests.integration.sandbox_medplum.fhir_client import Client, client_of

pytestmark = pytest.mark.integration
FORM = "application/x-www-form-urlencoded"


def _grant(server: EmbeddedMedplum, **form: str) -> tuple[int, dict[str, object]]:
    body = urlencode({"grant_type": "client_credentials", **form})
    answer = Client(server.base_url, None).raw("POST", "/oauth2/token", body, Content_Type=FORM)
    return answer.status, answer.json


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_form_credentials_give_a_bearer_token(medplum: EmbeddedMedplum) -> None:
    """A client id and secret in the form give a token for an hour."""
    status, token = _grant(
        medplum, client_id=medplum.client_id, client_secret=medplum.client_secret
    )
    assert (200, "Bearer", 3600) == (status, token["token_type"], token["expires_in"])


def test_basic_credentials_give_a_bearer_token(medplum: EmbeddedMedplum) -> None:
    """A client id and secret in the Authorization header give a token too."""
    answer = Client(medplum.base_url, None).raw(
        "POST",
        "/oauth2/token",
        "grant_type=client_credentials",
        Content_Type=FORM,
        Authorization=_basic(medplum.client_id, medplum.client_secret),
    )
    assert (200, "Bearer") == (answer.status, answer.json["token_type"])


@pytest.mark.parametrize(
    ("who", "secret", "description"),
    [
        ("known", "wrong", "Invalid secret"),
        ("unknown", "embedded-medplum-secret", "Invalid client"),
    ],
)
def test_wrong_credentials_are_a_bad_request(
    medplum: EmbeddedMedplum, who: str, secret: str, description: str
) -> None:
    """A wrong secret or client is refused with 400, not 401."""
    name = medplum.client_id if who == "known" else "nobody"
    status, body = _grant(medplum, client_id=name, client_secret=secret)
    assert (400, "invalid_request", description) == (
        status,
        body["error"],
        body["error_description"],
    )


def test_json_body_is_a_bad_request(medplum: EmbeddedMedplum) -> None:
    """The token endpoint reads forms only."""
    answer = Client(medplum.base_url, None).raw(
        "POST",
        "/oauth2/token",
        {"grant_type": "client_credentials"},
        Content_Type="application/json",
    )
    assert 400 == answer.status


@pytest.mark.parametrize("authorization", ["", "Bearer x", "Bearer a.b.c", "Basic bm9ib2R5Ong="])
def test_missing_or_wrong_token_is_unauthorized(
    medplum: EmbeddedMedplum, authorization: str
) -> None:
    """Without a valid token every FHIR request is 401."""
    answer = Client(medplum.base_url, None).call("GET", "/Patient", Authorization=authorization)
    assert (401, "Unauthorized") == (answer.status, answer.text)


def test_basic_works_on_fhir_requests(medplum: EmbeddedMedplum) -> None:
    """Client id and secret are accepted directly at the FHIR endpoint."""
    answer = Client(medplum.base_url, None).call(
        "GET", "/Patient", Authorization=_basic(medplum.client_id, medplum.client_secret)
    )
    assert 200 == answer.status


def test_token_expires(log_path: Path) -> None:
    """A token is refused once its lifetime is over."""
    with EmbeddedMedplum.start(log_path=log_path, extra=["--token-lifetime=1"]) as server:
        client = client_of(server)
        assert 200 == client.call("GET", "/Patient").status
        time.sleep(1.1)
        assert 401 == client.call("GET", "/Patient").status


def test_health_and_metadata_need_no_token(medplum: EmbeddedMedplum) -> None:
    """The health check and the capability statement are public."""
    anyone = Client(medplum.base_url, None)
    assert anyone.raw("GET", "/healthcheck").json["ok"] is True
    rest = anyone.call("GET", "/metadata").json["rest"][0]["resource"][0]
    assert (False, True, "single") == (
        rest["updateCreate"],
        rest["conditionalUpdate"],
        rest["conditionalDelete"],
    )
