"""The models of fhir.resources."""

import pytest

from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.fhir import r4


def test_unknown_type() -> None:
    """A type without a model is refused."""
    with pytest.raises(InvalidResourceError, match="unknown resource type"):
        r4.check_structure({"resourceType": "Nope"})


def test_missing_required() -> None:
    """What R4 requires is demanded, with its path and without values."""
    with pytest.raises(InvalidResourceError) as refused:
        r4.check_structure({"resourceType": "Condition", "code": {"text": "SECRET"}})
    assert ("subject", "required element is missing") == (refused.value.path, refused.value.reason)


def test_subject_targets_are_those_of_r4() -> None:
    """R4B allows more subjects of an Observation than R4."""
    model = r4.model_of("Observation")
    assert model is not None
    assert {"Patient", "Group", "Device", "Location"} == r4.elements_of(model)["subject"].targets
