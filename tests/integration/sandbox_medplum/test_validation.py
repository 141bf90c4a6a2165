"""Validation on write: what is refused, and what is accepted although it is wrong."""

import pytest

from tests.integration.sandbox_medplum.fhir_client import Client, Json, observation, patient

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("resource", "text", "path"),
    [
        (
            {"resourceType": "Observation", "code": {"text": "x"}},
            "Missing required property",
            "Observation.status",
        ),
        (patient("A", foo=1), 'Invalid additional property "foo"', "Patient.foo"),
        (patient("A", birthDate="03/02/1980"), "Invalid date format", "Patient.birthDate"),
        (
            patient("A", active="yes"),
            "Invalid JSON type: expected boolean, but got string",
            "Patient.active",
        ),
        (
            patient("A", birthDate=["1980-01-01"]),
            "Expected single value for property",
            "Patient.birthDate",
        ),
        (
            patient("A", name={"family": "x"}),
            "Expected array of values for property",
            "Patient.name",
        ),
        (patient("A", birthDate=None), "Invalid null value", "Patient.birthDate"),
        (
            patient("A", name=[{"family": " "}]),
            "String must contain non-whitespace content",
            "Patient.name[0].family",
        ),
    ],
)
def test_structure_is_refused(client: Client, resource: Json, text: str, path: str) -> None:
    """A structural error is 400 with the place of the error."""
    answer = client.call("POST", "/" + resource["resourceType"], resource)
    assert (400, text, [path]) == (
        answer.status,
        answer.text,
        answer.json["issue"][0]["expression"],
    )


def test_invariants_are_refused(client: Client) -> None:
    """An error-level invariant is 400 with code invariant."""
    answer = client.call("POST", "/Patient", patient("A", contact=[{"gender": "male"}]))
    assert (400, "invariant") == (answer.status, answer.json["issue"][0]["code"])


@pytest.mark.parametrize(
    "resource",
    [
        patient("A", gender="zz"),
        observation(status="done"),
        observation(valueString="x", valueInteger=1),
        observation(effectiveDateTime="2024-01-02T03:04:05"),
        patient("A", meta={"profile": ["https://example.org/not-installed"]}),
    ],
    ids=["bad code", "bad status", "two values", "no zone", "unknown profile"],
)
def test_what_the_server_lets_pass(client: Client, resource: Json) -> None:
    """Codes, choice types, zones and unknown profiles are not checked."""
    client.made(resource)


def test_days_that_do_not_exist_are_refused(client: Client) -> None:
    """The validator is that of 5.2.13; a 5.0.10 server stores 30 February."""
    assert 400 == client.call("POST", "/Patient", patient("A", birthDate="2020-02-30")).status


def test_failed_update_changes_nothing(client: Client) -> None:
    """An update that is refused leaves the stored version."""
    made = client.made(patient("A"))
    url = f"/Patient/{made['id']}"
    assert 400 == client.call("PUT", url, {**made, "foo": 1}).status
    assert made == client.call("GET", url).json


@pytest.mark.parametrize(("gender", "expected"), [("male", 200), (["male"], 400)])
def test_validate_operation(client: Client, gender: object, expected: int) -> None:
    """$validate answers as a write would and stores nothing."""
    answer = client.call("POST", "/Patient/$validate", patient("A", gender=gender))
    assert expected == answer.status
    assert [] == client.search("/Patient")


def test_profile_in_the_store_is_enforced(client: Client) -> None:
    """A meta.profile whose StructureDefinition is stored must be met."""
    url = "https://example.org/fhir/StructureDefinition/named"
    elements = [
        {
            "id": "Basic",
            "path": "Basic",
            "definition": "x",
            "min": 0,
            "max": "*",
            "base": {"path": "Basic", "min": 0, "max": "*"},
        },
        *(
            {
                "id": f"Basic.{name}",
                "path": f"Basic.{name}",
                "definition": "x",
                "min": least,
                "max": "1",
                "base": {"path": path, "min": 0, "max": "1"},
                "type": [{"code": kind}],
            }
            for name, least, path, kind in [
                ("id", 0, "Resource.id", "id"),
                ("meta", 0, "Resource.meta", "Meta"),
                ("code", 1, "Basic.code", "CodeableConcept"),
                ("created", 1, "Basic.created", "date"),
            ]
        ),
    ]
    profile = {
        "resourceType": "StructureDefinition",
        "url": url,
        "name": "Named",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Basic",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Basic",
        "derivation": "constraint",
        "snapshot": {"element": elements},
    }
    client.made(profile)
    basic = {"resourceType": "Basic", "meta": {"profile": [url]}, "code": {"text": "x"}}
    answer = client.call("POST", "/Basic", basic)
    assert (400, "Missing required property") == (answer.status, answer.text)
    client.made({**basic, "created": "2024-01-01"})
