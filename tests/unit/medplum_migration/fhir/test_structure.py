"""Structure: judged by the models, and by them alone."""

from typing import Any

import pytest

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.fhir.structure import check_structure

WHY: dict[str, Any] = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}
IMMUNIZATION: Resource = {
    "resourceType": "Immunization",
    "status": "completed",
    "vaccineCode": {"text": "x"},
    "patient": {"reference": "Patient/1"},
}
EXPLAINED: dict[str, Resource] = {
    "choice": IMMUNIZATION | {"_occurrenceDateTime": WHY},
    "required code": {
        "resourceType": "Immunization",
        "_status": WHY,
        "vaccineCode": {"text": "x"},
        "patient": {"reference": "Patient/1"},
        "_occurrenceString": WHY,
    },
    "value of an extension": {
        "resourceType": "Patient",
        "extension": [{"url": "https://x.example", "_valueString": WHY}],
    },
    "nested extension": {
        "resourceType": "Patient",
        "extension": [
            {
                "url": "https://x.example",
                "extension": [
                    {"url": "a", "_valueBoolean": WHY},
                    {"url": "b", "_valueDecimal": WHY},
                ],
            }
        ],
    },
    "item of a list, and a whole list": {
        "resourceType": "Patient",
        "name": [{"given": ["x", None], "_given": [None, WHY]}, {"_given": [WHY]}],
        "extension": [{"url": "https://x.example", "_valueDate": WHY}],
        "_birthDate": {"id": "x"},
    },
    "contained": {
        "resourceType": "Patient",
        "contained": [IMMUNIZATION | {"id": "a", "_occurrenceString": WHY}],
    },
}


@pytest.mark.parametrize("case", EXPLAINED)
def test_explained(case: str) -> None:
    """A missing value whose extension tells why is accepted wherever it stands."""
    before = repr(EXPLAINED[case])
    check_structure(EXPLAINED[case])
    assert before == repr(EXPLAINED[case])


REFUSED: dict[str, tuple[Resource, str, str]] = {
    "unknown type": ({"resourceType": "Nope"}, "resourceType", "unknown resource type"),
    "no type": ({"id": "1"}, "resourceType", "unknown resource type"),
    "missing element": (
        {"resourceType": "Condition", "code": {"text": "SECRET"}},
        "subject",
        "required element is missing",
    ),
    "missing code": (
        {**EXPLAINED["required code"], "_status": {"id": "x"}},
        "status",
        "required element is missing",
    ),
    "missing choice": (
        IMMUNIZATION,
        "Immunization",
        "an element of a required choice is missing",
    ),
    "choice without a reason": (
        IMMUNIZATION | {"_occurrenceDateTime": {"id": "x"}},
        "Immunization",
        "an element of a required choice is missing",
    ),
    "unknown element": ({"resourceType": "Patient", "x": "SECRET"}, "x", "unknown element"),
    "unfit value of an object": ({"resourceType": "Patient", "name": ["SECRET"]}, "name.0", ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    """What the models refuse is told with path and reason, and without values."""
    resource, path, reason = REFUSED[case]
    with pytest.raises(InvalidResourceError) as refused:
        check_structure(resource)
    assert path == refused.value.path
    assert reason in refused.value.reason
    assert "SECRET" not in str(refused.value)
    assert refused.value.__context__ is None
