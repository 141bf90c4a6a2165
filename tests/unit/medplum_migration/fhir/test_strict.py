"""Strict validation: what must be rejected, at which path, and what must be accepted."""

import json
from decimal import Decimal
from typing import Any

import pytest

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.fhir.strict import validate

PATIENT: Resource = {"resourceType": "Patient"}
SUBJECT = {"reference": "Patient/1"}
OBSERVATION: Resource = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
    "subject": SUBJECT,
}
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CERTAIN = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
CONDITION: Resource = {"resourceType": "Condition", "subject": SUBJECT}
APPOINTMENT: Resource = {
    "resourceType": "Appointment",
    "status": "booked",
    "participant": [{"status": "accepted", "actor": SUBJECT}],
}


def concept(system: str, code: str) -> dict[str, Any]:
    """Make a CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


CONDITION_WITHOUT: Resource = {"resourceType": "Condition", "code": {"text": "x"}}

ACTIVE = concept(CLINICAL, "active")
IN_ERROR = concept(CERTAIN, "entered-in-error")
EXTENSION = {"url": "https://x.example", "valueString": "x"}


def without(resource: Resource, name: str) -> Resource:
    """Leave out one element."""
    return {key: value for key, value in resource.items() if key != name}


REJECTED: dict[str, tuple[Resource, str]] = {
    "01 required code": (PATIENT | {"gender": "zz"}, "gender"),
    "02 code of a truncated list": (OBSERVATION | {"status": "done"}, "status"),
    "03 nested required code": (PATIENT | {"identifier": [{"use": "zz"}]}, "identifier[0].use"),
    "04 required concept": (
        CONDITION | {"clinicalStatus": concept(CLINICAL, "zzz")},
        "clinicalStatus",
    ),
    "05 unknown element": (PATIENT | {"surname": "x"}, "surname"),
    "06 unknown nested element": (PATIENT | {"name": [{"surname": "x"}]}, "name[0].surname"),
    "07 missing status": (without(OBSERVATION, "status"), "status"),
    "08 missing subject": (CONDITION_WITHOUT, "subject"),
    "09 missing component.code": (
        OBSERVATION | {"component": [{"valueString": "x"}]},
        "component.0.code",
    ),
    "10 month 13": (PATIENT | {"birthDate": "1980-13-45"}, "birthDate"),
    "11 local date": (PATIENT | {"birthDate": "02/03/1980"}, "birthDate"),
    "12 day that is not": (PATIENT | {"birthDate": "1981-02-30"}, "birthDate"),
    "13 time without zone": (
        PATIENT | {"deceasedDateTime": "2020-01-01T10:00:00"},
        "deceasedDateTime",
    ),
    "14 instant with a date": (OBSERVATION | {"issued": "2020-01-01"}, "issued"),
    "15 empty string": (PATIENT | {"language": ""}, "language"),
    "16 blank string": (PATIENT | {"name": [{"family": " "}]}, "name[0].family"),
    "17 empty array": (PATIENT | {"name": []}, "name"),
    "18 empty object": (PATIENT | {"maritalStatus": {}}, "maritalStatus"),
    "19 null": (PATIENT | {"gender": None}, "gender"),
    "20 yes": (PATIENT | {"active": "yes"}, "active"),
    "21 true as text": (PATIENT | {"active": "true"}, "active"),
    "22 decimal as text": (
        OBSERVATION | {"valueQuantity": {"value": "1.0"}},
        "valueQuantity.value",
    ),
    "23 number for a string": (PATIENT | {"name": [{"family": 7}]}, "name[0].family"),
    "24 scalar for an array": (PATIENT | {"name": "x"}, "name"),
    "25 array for a scalar": (PATIENT | {"gender": ["male"]}, "gender"),
    "26 reference to a wrong type": (
        CONDITION | {"subject": {"reference": "Practitioner/1"}},
        "subject",
    ),
    "27 two values": (OBSERVATION | {"valueString": "x", "valueBoolean": True}, "value[x]"),
    "28 bad id": (PATIENT | {"id": "a b"}, "id"),
    "29 blank in a uri": (PATIENT | {"identifier": [{"system": "a b"}]}, "identifier[0].system"),
    "30 con-5": (
        CONDITION | {"clinicalStatus": ACTIVE, "verificationStatus": IN_ERROR},
        "Condition",
    ),
    "31 ext-1": (PATIENT | {"extension": [{"url": "https://x.example"}]}, "extension[0]"),
    "32 unknown type": ({"resourceType": "Nope"}, "resourceType"),
    "type is a datatype": ({"resourceType": "HumanName", "family": "x"}, "resourceType"),
    "type is missing": ({"id": "1"}, "resourceType"),
    "NUL": (PATIENT | {"name": [{"family": "a\x00"}]}, "name[0].family"),
    "half a surrogate pair": (PATIENT | {"name": [{"family": "a\ud800"}]}, "name[0].family"),
    "vertical tab": (PATIENT | {"name": [{"text": "a\x0bb"}]}, "name[0].text"),
    "empty object in an array": (OBSERVATION | {"referenceRange": [{}]}, "referenceRange[0]"),
    "null in an array": (PATIENT | {"name": [{"given": ["A", None]}]}, "name[0].given[1]"),
    "bad base64": (
        PATIENT | {"photo": [{"contentType": "a/b", "data": "!!"}]},
        "photo[0].data",
    ),
    "base64 as number": (PATIENT | {"photo": [{"contentType": "a/b", "data": 1}]}, "photo[0].data"),
    "one for true": (PATIENT | {"active": 1}, "active"),
    "5.0 for an integer": (OBSERVATION | {"valueInteger": 5.0}, "valueInteger"),
    "integer too large": (OBSERVATION | {"valueInteger": 2**31}, "valueInteger"),
    "zero for a positive": (PATIENT | {"telecom": [{"rank": 0}]}, "telecom[0].rank"),
    "leap second": (
        PATIENT | {"deceasedDateTime": "2016-12-31T23:59:60Z"},
        "deceasedDateTime",
    ),
    "day that is not, with time": (
        PATIENT | {"deceasedDateTime": "2023-02-29T23:59:00Z"},
        "deceasedDateTime",
    ),
    "period ends before it starts": (
        PATIENT | {"name": [{"period": {"start": "2020-02", "end": "2020-01-31"}}]},
        "name[0].period",
    ),
    "period of instants": (
        PATIENT
        | {
            "name": [
                {"period": {"start": "2020-01-01T02:00:00Z", "end": "2020-01-01T02:30:00+01:00"}}
            ]
        },
        "name[0].period",
    ),
    "con-4": (CONDITION | {"clinicalStatus": ACTIVE, "abatementString": "x"}, "Condition"),
    "app-3": (APPOINTMENT, "Appointment"),
    "app-2": (
        APPOINTMENT | {"status": "proposed", "start": "2020-01-01T02:00:00Z"},
        "Appointment",
    ),
    "obs-6": (
        OBSERVATION | {"valueString": "x", "dataAbsentReason": {"text": "x"}},
        "Observation",
    ),
    "obs-7": (
        OBSERVATION
        | {"valueString": "x", "component": [{"code": OBSERVATION["code"], "valueString": "y"}]},
        "Observation",
    ),
    "pat-1": (PATIENT | {"contact": [{"gender": "male"}]}, "contact[0]"),
    "ait-1": ({"resourceType": "AllergyIntolerance", "patient": SUBJECT}, "AllergyIntolerance"),
    "cpt-2": (PATIENT | {"telecom": [{"value": "1"}]}, "telecom[0]"),
    "att-1": (PATIENT | {"photo": [{"data": "YQ=="}]}, "photo[0]"),
    "qty-3": (OBSERVATION | {"valueQuantity": {"value": 1, "code": "kg"}}, "valueQuantity"),
    "both deceased[x]": (
        PATIENT | {"deceasedBoolean": True, "deceasedDateTime": "2020"},
        "deceased[x]",
    ),
    "hour-only time": (OBSERVATION | {"valueTime": "10"}, "valueTime"),
    "time without seconds": (OBSERVATION | {"valueTime": "10:30"}, "valueTime"),
    "hour-only dateTime": (
        PATIENT | {"deceasedDateTime": "2020-01-01T10Z"},
        "deceasedDateTime",
    ),
    "non-ASCII digit": (PATIENT | {"birthDate": "198\u0660"}, "birthDate"),
    "script in narrative": (
        PATIENT | {"text": {"status": "generated", "div": "<div><script>x</script></div>"}},
        "text.div",
    ),
    "conditional reference": (
        CONDITION | {"subject": {"reference": "Patient?identifier=a|1"}},
        "subject",
    ),
    "urn reference": (CONDITION | {"subject": {"reference": "urn:uuid:1"}}, "subject"),
    "reference to nowhere": (CONDITION | {"subject": {"reference": "somebody"}}, "subject"),
    "reference to nothing contained": (CONDITION | {"subject": {"reference": "#p"}}, "subject"),
    "reference against its type": (
        CONDITION | {"subject": {"reference": "Patient/1", "type": "Group"}},
        "subject",
    ),
    "reference without content": (CONDITION | {"subject": {"type": "Patient"}}, "subject"),
    "R4B subject": (OBSERVATION | {"subject": {"reference": "Medication/1"}}, "subject"),
    "more digits than a double": (
        OBSERVATION | {"valueQuantity": {"value": Decimal("0.1234567890123456789")}},
        "valueQuantity.value",
    ),
    "not a number": (
        OBSERVATION | {"valueQuantity": {"value": Decimal("NaN")}},
        "valueQuantity.value",
    ),
    "true for a decimal": (OBSERVATION | {"valueQuantity": {"value": True}}, "valueQuantity.value"),
    "Python name of an element": (PATIENT | {"birthDate__ext": {"id": "x"}}, "birthDate__ext"),
    "extension of a complex element": (PATIENT | {"_name": [{"id": "x"}]}, "_name"),
    "contained of unknown type": (
        PATIENT | {"contained": [{"resourceType": "Nope"}]},
        "contained[0].resourceType",
    ),
    "contained is no object": (PATIENT | {"contained": ["x"]}, "contained[0].resourceType"),
    "meta is no object": (PATIENT | {"meta": "x"}, "meta"),
    "codeable concept without code": (
        CONDITION | {"clinicalStatus": {"text": "x"}},
        "clinicalStatus",
    ),
}


@pytest.mark.parametrize("case", REJECTED)
def test_rejects(case: str) -> None:
    """An invalid resource is refused with the path of the fault."""
    resource, path = REJECTED[case]
    with pytest.raises(InvalidResourceError) as refused:
        validate(resource)
    assert path == refused.value.path


ACCEPTED: dict[str, Resource] = {
    "year": PATIENT | {"birthDate": "1980"},
    "month": PATIENT | {"birthDate": "1980-02"},
    "primitive extension": PATIENT | {"_birthDate": {"extension": [EXTENSION]}},
    "null with counterpart": PATIENT
    | {"name": [{"given": ["A", None], "_given": [None, {"extension": [EXTENSION]}]}]},
    "contained": CONDITION
    | {
        "contained": [{"resourceType": "Patient", "id": "p", "gender": "male"}],
        "subject": {"reference": "#p"},
    },
    "reference by identifier": CONDITION
    | {"subject": {"type": "Patient", "identifier": {"system": "urn:x", "value": "1"}}},
    "absolute reference": CONDITION | {"subject": {"reference": "https://x.example/Patient/1"}},
    "display only": CONDITION | {"subject": {"display": "somebody"}},
    "extensible code": PATIENT | {"maritalStatus": concept("https://x.example", "local")},
    "decimal": OBSERVATION | {"valueQuantity": {"value": Decimal("72.50")}},
    "narrative": PATIENT | {"text": {"status": "generated", "div": "<div>x</div>"}},
    "nanoseconds": PATIENT | {"deceasedDateTime": "2020-01-01T00:00:00.123456789Z"},
    "zone": PATIENT | {"deceasedDateTime": "2020-01-01T00:00:00-05:00"},
    "open period": PATIENT | {"name": [{"period": {"start": "2020"}}]},
    "period in a year": PATIENT | {"name": [{"period": {"start": "2020-05-05", "end": "2020"}}]},
    "period of instants": PATIENT
    | {"name": [{"period": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-01T00:00:00+00:00"}}]},
    "meta of the server": PATIENT
    | {
        "meta": {
            "project": "1",
            "author": {"reference": "Practitioner/1"},
            "accounts": [],
            "compartment": [],
            "versionId": "1",
        }
    },
    "only meta of the server": PATIENT | {"gender": "male", "meta": {"project": "1"}},
    "in error without clinical status": CONDITION | {"verificationStatus": IN_ERROR},
    "resolved": CONDITION
    | {"clinicalStatus": concept(CLINICAL, "resolved"), "abatementString": "x"},
    "allergy in error": {
        "resourceType": "AllergyIntolerance",
        "patient": SUBJECT,
        "verificationStatus": concept(ALLERGY, "entered-in-error"),
    },
    "extension of a value not known": PATIENT
    | {"extension": [{"url": "https://x.example", "_valueDate": {"extension": [EXTENSION]}}]},
    "required choice not known": {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {"text": "x"},
        "patient": SUBJECT,
        "_occurrenceDateTime": {"extension": [EXTENSION]},
    },
    "characters that FHIR allows": PATIENT | {"name": [{"text": "a\tb\nc\r\x7f\u200b\uffff"}]},
    "narrative that reads like an event": PATIENT
    | {"text": {"status": "generated", "div": "<div>ongoing = yes</div>"}},
    "proposed appointment": APPOINTMENT | {"status": "proposed"},
    "component beside a value": OBSERVATION
    | {"valueString": "x", "component": [{"code": {"text": "other"}, "valueString": "y"}]},
    "business identifier": PATIENT | {"identifier": [{"system": "urn:mrn", "value": "a,b|c"}]},
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepts(case: str) -> None:
    """A valid resource passes and is not changed."""
    before = repr(ACCEPTED[case])
    validate(ACCEPTED[case])
    assert before == repr(ACCEPTED[case])


@pytest.mark.parametrize("value", ["a,b", "", "a|b", "Zo\u00eb"])
def test_own_identifier_is_safe(value: str) -> None:
    """An identifier used in conditional URLs stays in their alphabet."""
    resource = PATIENT | {"identifier": [{"system": "urn:own", "value": value or "a b"}]}
    with pytest.raises(InvalidResourceError, match="alphabet"):
        validate(resource, own_systems={"urn:own"})


def test_identifier_of_one_passes() -> None:
    """An identifier that is not a list, as in Bundle, is looked at as well."""
    validate({"resourceType": "Composition"} | _COMPOSITION, own_systems={"urn:own"})


_COMPOSITION = {
    "identifier": {"system": "urn:own", "value": "1"},
    "status": "final",
    "type": {"text": "x"},
    "date": "2020",
    "author": [{"reference": "Practitioner/1"}],
    "title": "x",
}


@pytest.mark.parametrize("case", REJECTED)
def test_errors_quote_no_value(case: str) -> None:
    """No value of the resource reaches the error or its chain."""
    marked = json.loads(json.dumps(REJECTED[case][0], default=str).replace('"x"', '"MARKED"'))
    with pytest.raises(InvalidResourceError) as refused:
        validate(marked)
    assert "MARKED" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
