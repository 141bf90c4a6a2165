"""Invariants of US Core by key: a resource that breaks one, and one beside it that does not."""

from typing import Any

import pytest

from medplum_migration.domain.data_element import Resource
from medplum_migration.fhir.us_core_rules import broken, is_npi
from tests.unit.medplum_migration.fhir.us_core_examples import (
    NPI,
    TERMINOLOGY,
    WHY,
    changed,
    concept,
)

CLIA, NAIC = "urn:oid:2.16.840.1.113883.4.7", "urn:oid:2.16.840.1.113883.6.300"


def identified(profile: str, system: str, value: str) -> Resource:
    """Give an example with an identifier."""
    return changed(profile, identifier=[{"system": system, "value": value}])


def keys(resource: Resource, version: str = "6.1.0") -> list[str]:
    """List what a resource breaks."""
    found = broken(resource["resourceType"], resource, version)
    return [reason.removeprefix("breaks ") for _, reason in found]


BROKEN: dict[str, tuple[str, Resource]] = {
    "NPI of nine digits": ("us-core-16", identified("Practitioner", NPI, "123456789")),
    "NPI with a wrong check digit": ("us-core-17", identified("Practitioner", NPI, "1234567890")),
    "NPI of an organization": ("us-core-17", identified("Organization", NPI, "1234567890")),
    "CLIA": ("us-core-18", identified("Organization", CLIA, "12E1234567")),
    "NAIC": ("us-core-19", identified("Organization", NAIC, "1234")),
    "document without content": (
        "us-core-6",
        changed("DocumentReference", content=[{"attachment": {"title": "x"}}]),
    ),
    "patient by text only": ("us-core-6", changed("Patient", name=[{"text": "x"}])),
    "done and no time": ("us-core-7", changed("Procedure", performedDateTime=None)),
    "begun and no time": (
        "us-core-7",
        changed("Procedure", status="in-progress", performedDateTime=None),
    ),
    "report and no time": ("us-core-8", changed("DiagnosticReport", effectiveDateTime=None)),
    "image report and no time": (
        "us-core-10",
        changed("DiagnosticReport", category=[{"text": "x"}], effectiveDateTime=None),
    ),
    "report never issued": ("us-core-9", changed("DiagnosticReport", issued=None)),
    "role of nobody": ("us-core-13", changed("PractitionerRole", practitioner=None)),
    "role out of reach": ("pd-1", changed("PractitionerRole", telecom=None)),
    "person without relation": ("us-core-14", changed("RelatedPerson", name=None)),
    "no member": ("us-core-15", changed("Coverage", subscriberId=None)),
    "two payors": ("the limit of one payor", changed("Coverage", payor=[{}, {}])),
    "order by nobody": ("us-core-21", changed("MedicationRequest", requester=None)),
    "agent for nobody": (
        "provenance-1",
        changed("Provenance", agent=[{"who": {"reference": "https://x.example/Device/1"}}]),
    ),
    "agent of a type for nobody": (
        "provenance-1",
        changed("Provenance", agent=[{"who": {"type": "Practitioner", "display": "x"}}]),
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken(case: str) -> None:
    """A resource that breaks an invariant is told by its key."""
    key, resource = BROKEN[case]
    assert key == keys(resource)[0]


KEPT: dict[str, Resource] = {
    "NPI": identified("Organization", NPI, "1245319599"),
    "CLIA": identified("Organization", CLIA, "12D1234567"),
    "NAIC": identified("Organization", NAIC, "12345"),
    "identifier of another system": identified("Organization", "urn:x", "x"),
    "identifier without a value": changed("Organization", identifier=[{"system": NPI}]),
    "patient by given name": changed("Patient", name=[{"given": ["x"]}]),
    "one name of two": changed("Patient", name=[{"text": "x"}, {"family": "x"}]),
    "document with data": changed("DocumentReference", content=[{"attachment": {"data": "eA=="}}]),
    "procedure not done": changed("Procedure", status="not-done", performedDateTime=None),
    "report registered": changed("DiagnosticReport", status="registered", issued=None),
    "report of another kind": changed("DiagnosticReport", category=[{"text": "x"}], issued=None),
    "role at a place": changed("PractitionerRole", practitioner=None, location=[{}]),
    "role with an endpoint": changed("PractitionerRole", telecom=None, endpoint=[{}]),
    "person by relation": changed("RelatedPerson", name=None, relationship=[{}]),
    "member by identifier": changed(
        "Coverage",
        subscriberId=None,
        identifier=[{"type": concept(f"{TERMINOLOGY}v2-0203", "MB")}],
    ),
    "plan by nobody": changed("MedicationRequest", intent="plan", requester=None),
    "organization for itself": changed(
        "Provenance", agent=[{"who": {"reference": "Organization/1"}}]
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_kept(case: str) -> None:
    """A resource that keeps the invariants passes."""
    assert [] == keys(KEPT[case])


@pytest.mark.parametrize(
    "name", [{"text": "x"}, WHY | {"family": "x"}], ids=["without parts", "absent with a part"]
)
def test_every_name_has_a_part(name: dict[str, Any]) -> None:
    """Since 7.0.0 each name, not one of them, has a part or a reason for none."""
    resource = changed("Patient", name=[{"family": "x"}, name])

    assert [] == keys(resource, "6.1.0")
    assert ["us-core-6"] == keys(resource, "7.0.0")
    assert [] == keys(changed("Patient", name=[{"family": "x"}, WHY]), "7.0.0")


@pytest.mark.parametrize("case", ["no member", "two payors", "order by nobody"])
def test_before_its_version(case: str) -> None:
    """A version knows nothing of the invariants that came after it."""
    assert [] == keys(BROKEN[case][1], "5.0.1")


@pytest.mark.parametrize("version", ["5.0.1", "6.1.0", "7.0.0", "8.0.0"])
def test_in_every_version(version: str) -> None:
    """The other invariants hold in all versions."""
    later = {"us-core-15", "us-core-21", "the limit of one payor"}
    for key, resource in BROKEN.values():
        if key not in later:
            assert key == keys(resource, version)[0]


@pytest.mark.parametrize("digit", range(10))
def test_one_check_digit_is_right(digit: int) -> None:
    """Of the ten check digits of a number one is right."""
    assert (digit == 3) is is_npi(f"123456789{digit}")
