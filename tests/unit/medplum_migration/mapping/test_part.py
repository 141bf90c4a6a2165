"""Parts: several resources from one record, each with its identifier, fence and tombstone."""

from typing import Any

import pytest

from medplum_migration.domain.errors import MappingError
from medplum_migration.domain.identity import Identifier
from medplum_migration.mapping.columns import LegacyRow, Measured, NullableText, Text
from medplum_migration.mapping.field import Constant, Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.part import Part, is_tombstone
from medplum_migration.mapping.quantity import quantity

ABSENT = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}


class VitalsRow(LegacyRow):
    """Two measurements and a note."""

    site: int
    number: int
    note: NullableText
    weight: Measured
    pulse: Measured


class Vitals(Mapping[VitalsRow]):
    """Weight and pulse of one form."""

    element, resource, row = "vitals", "Observation", VitalsRow
    table, key, system = "vitals", ("site", "number"), "urn:vitals"
    fields = (Field("note", "code.text"), Constant("status", "final"))
    parts = (
        Part("weight", Field("weight", "valueQuantity", *quantity("kg"))),
        Part("pulse", Field("pulse", "valueQuantity", *quantity("/min"))),
    )


VITALS = Vitals()
ROW: dict[str, object] = {"site": 1, "number": 7, "note": "n", "weight": "80", "pulse": 0}


def test_what_is_measured_is_there() -> None:
    """A part is there while one of its own columns says something; shared fields do not count."""
    (weight,) = VITALS.to_fhir(ROW)  # type: ignore[misc]
    assert {"text": "n"} == weight["code"]
    assert [{"system": "urn:vitals/weight", "value": "1~7c7"}] == weight["identifier"]
    assert () == VITALS.to_fhir(ROW | {"weight": 0})


def test_identifiers() -> None:
    """Every part has an identifier for the record's key, in a system of its own."""
    names = (Identifier("urn:vitals/weight", "1~7c7"), Identifier("urn:vitals/pulse", "1~7c7"))
    assert names == VITALS.identifiers("1|7")
    assert {"urn:vitals/weight": "Observation", "urn:vitals/pulse": "Observation"} == VITALS.systems


def test_the_way_back_touches_the_parts_columns() -> None:
    """An edited Observation goes to the column of its part and to the shared ones."""
    (made,) = VITALS.to_fhir(ROW)  # type: ignore[misc]
    made["valueQuantity"]["value"] = 81
    made["code"] = {"text": "changed"}
    back = VITALS.from_fhir(made, ROW)
    assert (81, "changed", 0) == (back["weight"], back["note"], back["pulse"])


def test_references_name_a_part() -> None:
    """A reference leads to one part of a record, and comes back with all key columns."""
    made = VITALS.refer(1, 7, part="pulse")
    assert "Observation?identifier=urn:vitals/pulse\\|1~7c7".replace("\\", "") == made["reference"]
    assert (1, 7) == VITALS.referred(made, "pulse")


def test_tombstones() -> None:
    """What FHIR demands is marked absent; the tag says why."""
    (weight, _) = VITALS.tombstone("1|7")
    assert "entered-in-error" == weight["status"]
    assert ABSENT == weight["code"]
    assert is_tombstone(weight)


def test_a_tombstone_keeps_what_fhir_demands() -> None:
    """The code of a deleted Observation stays, its value goes, and a re-insert brings all back."""
    (made,) = VITALS.to_fhir(ROW)  # type: ignore[misc]
    grave = VITALS.merge(made, VITALS.tombstone("1|7")[0])
    assert {"text": "n"} == grave["code"]
    assert "valueQuantity" not in grave
    assert VITALS.view(VITALS.tombstone("1|7")[0]) == VITALS.view(grave)

    assert made == VITALS.merge(grave, made)


def test_placeholders_give_way() -> None:
    """A re-insert after a tombstone that knew nothing leaves no placeholder behind."""
    (made,) = VITALS.to_fhir(ROW)  # type: ignore[misc]
    (bare,) = VITALS.to_fhir(ROW | {"note": None})  # type: ignore[misc]
    grave = VITALS.tombstone("1|7")[0]
    assert made == VITALS.merge(grave, made)
    assert "code" not in VITALS.merge(grave, bare)


class ProblemRow(LegacyRow):
    """A problem."""

    number: int
    title: Text


class Problems(Mapping[ProblemRow]):
    """Problems, which have a clinical status."""

    element, resource, row = "problems", "Condition", ProblemRow
    table, key, system = "problems", "number", "urn:problems"
    one_way = "nobody edits problems"
    fields = (Field("title", "code.text"),)


def test_contradictions_go() -> None:
    """A tombstone drops the clinical status even where others wrote it (con-5)."""
    problems = Problems()
    (made,) = problems.to_fhir({"number": 1, "title": "x"})  # type: ignore[misc]
    current: dict[str, Any] = {**made, "clinicalStatus": {"text": "active"}}
    assert "clinicalStatus" not in problems.merge(current, problems.tombstone("1")[0])


def test_a_choice_is_kept_as_it_was() -> None:
    """Of a choice that FHIR demands, the element that is there stays."""

    class ShotRow(LegacyRow):
        number: int
        day: Text

    class Shots(Mapping[ShotRow]):
        element, resource, row = "shots", "Immunization", ShotRow
        table, key, system = "shots", "number", "urn:shots"
        fields = (Field("day", "occurrenceDateTime"),)

    shots = Shots()
    (made,) = shots.to_fhir({"number": 1, "day": "2024-01-02"})  # type: ignore[misc]
    grave = shots.merge(made, shots.tombstone("1")[0])
    assert "2024-01-02" == grave["occurrenceDateTime"]
    assert "occurrenceString" not in grave


def test_one_way() -> None:
    """An element that goes one way says why it does not go back."""
    with pytest.raises(MappingError, match="nobody edits"):
        Problems().from_fhir({}, {"number": 1, "title": ""})


def test_a_resource_without_a_tombstone_is_told() -> None:
    """A type whose tombstone nobody has written must say what it says."""
    with pytest.raises(TypeError, match="deleted: say what a Slot says"):
        type("Slots", (Problems,), {"resource": "Slot", "fields": ()})
