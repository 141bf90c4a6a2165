"""The models of fhir.resources, read as tables."""

from medplum_migration.fhir import r4


def test_unknown_type() -> None:
    """A name that is no resource type has no model."""
    assert r4.model_of("Nope") is None
    assert r4.model_of("HumanName") is None


def test_subject_targets_are_those_of_r4() -> None:
    """R4B allows more subjects of an Observation than R4."""
    model = r4.model_of("Observation")
    assert model is not None
    assert {"Patient", "Group", "Device", "Location"} == r4.elements_of(model)["subject"].targets
