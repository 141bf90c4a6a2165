"""US Core: what each version demands of each type, and what stands in for it."""

import pytest

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import ConfigurationError, InvalidResourceError
from medplum_migration.fhir.strict import validate
from medplum_migration.fhir.us_core import VERSIONS, check
from tests.unit.medplum_migration.fhir.us_core_examples import EXAMPLES, WHY, changed, example


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("profile", EXAMPLES)
def test_examples_pass(profile: str, version: str) -> None:
    """An example keeps to R4 and to every version, and is not changed."""
    resource = example(profile)
    before = repr(resource)
    validate(resource, us_core=version)
    assert before == repr(resource)


ALWAYS = {
    "AllergyIntolerance": "code patient",
    "Condition": "category code subject",
    "Coverage": "status beneficiary payor",
    "DiagnosticReport": "status category code subject",
    "DocumentReference": "status type category subject",
    "Encounter": "status class type subject",
    "Immunization": "status vaccineCode patient occurrenceDateTime",
    "Location": "name",
    "MedicationRequest": "status intent medicationCodeableConcept subject requester",
    "Observation of laboratory": "status code subject valueQuantity",
    "Observation of vital-signs": "status code subject effectiveDateTime valueQuantity",
    "Organization": "active name",
    "Patient": "identifier name",
    "Practitioner": "identifier name",
    "PractitionerRole": "practitioner telecom",
    "Procedure": "status code subject performedDateTime",
    "Provenance": "target recorded agent",
    "RelatedPerson": "active patient name",
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("profile", "names"), ALWAYS.items())
def test_required_in_every_version(profile: str, names: str, version: str) -> None:
    """An example without an element that is always demanded is refused."""
    for name in names.split():
        resource = example(profile)
        del resource[name]
        with pytest.raises(InvalidResourceError):
            check(resource, version)


REQUIRED_IN = {
    ("Coverage", "relationship"): ("6.1.0", "7.0.0", "8.0.0"),
    ("Coverage", "subscriberId"): ("6.1.0", "7.0.0", "8.0.0"),
    ("Immunization", "primarySource"): ("5.0.1",),
    ("Patient", "gender"): ("5.0.1", "6.1.0", "7.0.0"),
    ("Patient", "telecom"): (),
    ("Patient", "communication"): (),
    ("Organization", "identifier"): (),
}


@pytest.mark.parametrize(("profile", "name"), REQUIRED_IN)
def test_required_in_some_versions(profile: str, name: str) -> None:
    """An element is demanded in the versions that demand it, and in no other."""
    resource = example(profile)
    resource.pop(name, None)
    refusing = [version for version in VERSIONS if refusal(resource, version)]
    assert list(REQUIRED_IN[profile, name]) == refusing


def refusal(resource: Resource, version: str = "6.1.0") -> tuple[str, str] | None:
    """Tell path and reason of a refusal; None when there is none."""
    try:
        check(resource, version)
    except InvalidResourceError as error:
        return error.path, error.reason
    return None


NESTED: dict[str, tuple[Resource, str]] = {
    "system": (changed("Patient", identifier=[{"value": "1"}]), "identifier[0].system"),
    "value": (
        changed("Patient", identifier=[{"system": "x", "value": "1"}, {"system": "x"}]),
        "identifier[1].value",
    ),
    "telecom": (changed("Patient", telecom=[{"system": "phone"}]), "telecom[0].value"),
    "language": (
        changed("Patient", communication=[{"preferred": True}]),
        "communication[0].language",
    ),
    "link": (changed("Patient", link=[{"type": "seealso"}]), "link[0].other"),
    "family": (changed("Practitioner", name=[{"text": "x"}]), "name[0].family"),
    "agent": (changed("Provenance", agent=[{"type": {"text": "x"}}]), "agent[0].who"),
}


@pytest.mark.parametrize("case", NESTED)
def test_nested(case: str) -> None:
    """An element below another is demanded of each that is there, and told by its path."""
    resource, path = NESTED[case]
    assert (path, "US Core 6.1.0: must be there") == refusal(resource)


ABSENT: dict[str, Resource] = {
    "primitive": changed("Patient", gender=None, _gender=WHY),
    "choice": changed("Immunization", occurrenceDateTime=None, _occurrenceDateTime=WHY),
    "complex": changed("Condition", subject=WHY, code=WHY),
    "list": changed("Patient", identifier=[WHY], name=[WHY], telecom=[WHY]),
    "nested": changed("Practitioner", name=[{"_family": WHY}]),
    "attachment": changed("DocumentReference", content=[{"attachment": WHY}]),
    "effective": changed("DiagnosticReport", effectiveDateTime=None, _effectivePeriod=WHY),
    "quantity": changed("Observation of vital-signs", valueQuantity=WHY),
    "unit": changed(
        "Observation of vital-signs",
        valueQuantity={"value": 1, "_unit": WHY, "_system": WHY, "_code": WHY},
    ),
}


@pytest.mark.parametrize("case", ABSENT)
def test_absent_for_a_reason(case: str) -> None:
    """A `data-absent-reason` stands in for what is demanded."""
    assert refusal(ABSENT[case]) is None


def test_deleted_in_source() -> None:
    """What is deleted in the source keeps to R4 and to no profile."""
    resource: Resource = {"resourceType": "Organization", "name": "x"}
    tagged = resource | {"meta": {"tag": [{"code": "deleted-in-source"}]}}
    other = resource | {"meta": {"tag": [{"code": "x"}]}}

    assert refusal(tagged) is None
    assert ("active", "US Core 6.1.0: must be there") == refusal(other)


def test_types_without_a_profile() -> None:
    """A type that is not listed, and an observation of another category, pass."""
    assert refusal({"resourceType": "Appointment"}) is None
    assert refusal({"resourceType": "Observation", "status": "final", "code": {}}) is None


def test_off_unless_a_version_is_given() -> None:
    """Without a version only R4 is checked."""
    validate({"resourceType": "Organization", "name": "x"})
    with pytest.raises(InvalidResourceError, match=r"US Core 5\.0\.1"):
        validate({"resourceType": "Organization", "name": "x"}, us_core="5.0.1")


def test_unknown_version() -> None:
    """A version that cannot be checked is a wrong setting; the known ones are told."""
    with pytest.raises(ConfigurationError, match=r"known=5\.0\.1, 6\.1\.0, 7\.0\.0, 8\.0\.0"):
        check({"resourceType": "Patient"}, "9.9.9")
