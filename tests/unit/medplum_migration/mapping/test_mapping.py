"""Mapping: declarations are checked, rows map and come back, merging keeps what is foreign."""

from typing import Any, ClassVar

import pytest

from medplum_migration.domain.errors import MappingError
from medplum_migration.domain.identity import Identifier
from medplum_migration.mapping.columns import Day, LegacyRow, NullableText, Text
from medplum_migration.mapping.field import ColumnDisposition, Constant, Excluded, Field, refuse
from medplum_migration.mapping.mapping import Mapping, Quarantine
from medplum_migration.mapping.part import DELETED, TAG, TAG_SYSTEM
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.register import markdown, register
from medplum_migration.mapping.transforms import DAY, in_order

MRN = "identifier[system=urn:mrn]"
FIELDS: tuple[Any, ...] = (
    Field(("fname", "mname"), "name[use=official].given", *in_order(2)),
    Field("lname", "name[use=official].family"),
    Field("mrn", f"{MRN}.value"),
    Constant(f"{MRN}.type", {"text": "MR"}),
    Field("dob", "birthDate", *DAY),
    Field("died", "deceasedDateTime"),
    Excluded("score", why="not clinical"),
)
REST = (FIELDS[0], *FIELDS[2:])
"""All but the field of lname."""


class Row(LegacyRow):
    """A small patient."""

    pid: int
    fname: Text
    mname: Text
    lname: Text
    mrn: Text
    dob: Day
    died: NullableText


class Small(Mapping[Row]):
    """A small mapping."""

    element, resource, row = "patients", "Patient", Row
    table, key, system = "patient", "pid", "urn:pid"
    deleted: ClassVar[dict[str, Any]] = {"active": False}
    fields = FIELDS


SMALL = Small()
FULL: dict[str, object] = {
    "pid": 7,
    "fname": "Ann",
    "mname": "B",
    "lname": "Oak",
    "mrn": "M1",
    "dob": "1980-02-29",
    "died": None,
    "score": 3,
}
MAPPED = {
    "resourceType": "Patient",
    "identifier": [
        {"system": "urn:pid", "value": "7"},
        {"system": "urn:mrn", "value": "M1", "type": {"text": "MR"}},
    ],
    "name": [{"use": "official", "given": ["Ann", "B"], "family": "Oak"}],
    "birthDate": "1980-02-29",
}


def declare(**attributes: Any) -> type[Mapping[Row]]:
    """Build a mapping class like Small with other attributes."""
    return type("Broken", (Small,), attributes)


@pytest.mark.parametrize(
    ("hint", "attributes"),
    [
        ("lname: the column has no disposition", {"fields": REST}),
        ("lname: the column has two", {"fields": (*FIELDS, Field("lname", "language"))}),
        ("size: no column of the row", {"fields": (*FIELDS, Field("size", "language"))}),
        (
            "lname: the column is not read",
            {"fields": (*REST, Excluded("lname", why="x"))},
        ),
        ("lname: lossy without", {"fields": (*REST, Field("lname", "language", lossy=True))}),
        ("other: excluded without", {"fields": (*FIELDS, Excluded("other", why=""))}),
        ("surname: Patient has no element", {"fields": (*REST, Field("lname", "surname"))}),
        ("a..b: not a path", {"fields": (*REST, Field("lname", "a..b"))}),
        ("two entries own", {"fields": (*REST, Field("lname", "name[use=official]"))}),
        ("resource: Nope", {"resource": "Nope"}),
        ("id: the key is no column", {"key": "id"}),
        ("element: the class attribute", {"element": None}),
    ],
)
def test_declaration_is_checked(hint: str, attributes: dict[str, Any]) -> None:
    """A wrong declaration fails when the class is built, and says where and what to do."""
    with pytest.raises(TypeError, match=hint) as refused:
        declare(**attributes)
    assert "Broken" in str(refused.value)


def test_columns() -> None:
    """All columns with a disposition are known, and which of them are read."""
    assert FULL.keys() == SMALL.columns
    assert FULL.keys() - {"score"} == SMALL.columns_read


def test_to_fhir() -> None:
    """A row maps to a resource with the record's identifier."""
    assert (MAPPED,) == SMALL.to_fhir(FULL)
    assert (Identifier("urn:pid", "7"),) == SMALL.identifiers("7")
    assert (Identifier("urn:pid", "a~2cb"),) == SMALL.identifiers("a,b")


def test_missing_stays_missing() -> None:
    """A row without values maps to its identifier; constants beside fields are left out."""
    row = dict.fromkeys(FULL) | {"pid": 7, "mrn": "", "dob": "0000-00-00"}
    expected = {"resourceType": "Patient", "identifier": [{"system": "urn:pid", "value": "7"}]}
    assert (expected,) == SMALL.to_fhir(row)


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        (Quarantine("7", "fname", "a later part without an earlier one"), {"fname": ""}),
        (Quarantine("7", "lname", "holds a control character"), {"lname": "a\x00"}),
        (Quarantine("7", "dob", "not a calendar day"), {"dob": "1981-02-30"}),
        (Quarantine("x", "pid", "does not fit the row model: int_parsing"), {"pid": "x"}),
    ],
)
def test_quarantine(expected: Quarantine, change: dict[str, object]) -> None:
    """What cannot be mapped is a value that names the column and quotes nothing."""
    assert expected == SMALL.to_fhir(FULL | change)


def test_column_that_is_not_there() -> None:
    """A row without a column that is read is quarantined, not taken for missing."""
    row = {name: value for name, value in FULL.items() if name != "dob"}
    assert Quarantine("7", "dob", "does not fit the row model: missing") == SMALL.to_fhir(row)


CURRENT = {
    "resourceType": "Patient",
    "id": "q",
    "meta": {
        "versionId": "1",
        "lastUpdated": "2024-01-01T00:00:00Z",
        "author": {},
        "project": "p",
        "compartment": [],
        "source": "urn:old",
        "profile": ["urn:profile"],
        "tag": [{"code": "z"}],
        "accounts": [{}],
    },
    "identifier": [{"system": "urn:foreign", "value": "1"}],
    "name": [{"use": "nickname", "text": "z"}, {"use": "official", "family": "Old", "id": "n"}],
    "birthDate": "1999",
    "_birthDate": {"id": "x"},
    "deceasedBoolean": True,
}


def test_merge() -> None:
    """What is mapped replaces what is owned; the rest stays, without what the server writes."""
    merged = SMALL.merge(CURRENT, MAPPED | {"meta": {"source": "urn:new"}})
    assert {
        "resourceType": "Patient",
        "id": "q",
        "meta": {
            "source": "urn:new",
            "profile": ["urn:profile"],
            "tag": [{"code": "z"}],
            "accounts": [{}],
        },
        "identifier": [{"system": "urn:foreign", "value": "1"}, *MAPPED["identifier"]],
        "name": [
            {"use": "nickname", "text": "z"},
            {"use": "official", "family": "Oak", "given": ["Ann", "B"], "id": "n"},
        ],
        "birthDate": "1980-02-29",
        "deceasedBoolean": True,
    } == merged


def test_merge_with_nothing() -> None:
    """Without a current resource the mapped one is copied."""
    merged = SMALL.merge(None, MAPPED)
    assert merged == MAPPED
    assert merged is not MAPPED
    assert merged["name"] is not MAPPED["name"]


def test_merge_excludes_the_other_choice() -> None:
    """A mapped element of a choice drives out the one that stood there."""
    merged = SMALL.merge(CURRENT, MAPPED | {"deceasedDateTime": "2020"})
    assert "deceasedBoolean" not in merged


def test_tombstone() -> None:
    """A tombstone depends on the key alone, clears what is owned, and is lifted by an image."""
    (grave,) = SMALL.tombstone("7")
    tag = {"system": TAG_SYSTEM, "code": DELETED}
    assert {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:pid", "value": "7"}],
        "active": False,
        "meta": {"tag": [tag]},
    } == grave
    buried = SMALL.merge(SMALL.merge(CURRENT, MAPPED), grave)
    assert SMALL.view(grave) == SMALL.view(buried)
    assert [{"code": "z"}, tag] == buried["meta"]["tag"]
    assert "Oak" not in str(buried)
    risen = SMALL.merge(buried, MAPPED)
    assert SMALL.view(MAPPED) == SMALL.view(risen)
    assert "active" not in risen
    assert [{"code": "z"}] == risen["meta"]["tag"]


def test_view() -> None:
    """A view shows what is owned by path, and says when there are several."""
    shown = SMALL.view({"birthDate": "1980", "gender": "male", "name": [{"use": "official"}]})
    assert {"birthDate": "1980"} == shown
    twice = {"name": [{"use": "official", "family": n} for n in "ab"]}
    assert {"name[use=official].family": ("several", "a", "b")} == SMALL.view(twice)
    assert TAG in SMALL.view(SMALL.tombstone("7")[0])


def test_from_fhir_leaves_unedited_columns() -> None:
    """An unedited column keeps the driver's own value."""
    assert FULL == SMALL.from_fhir(MAPPED, FULL)


def test_from_fhir_writes_edits() -> None:
    """An edit is written to its column; what is gone is written as the store writes missing."""
    edited = {**MAPPED, "birthDate": "1981-01-01", "name": [{"use": "official", "given": ["Eve"]}]}
    row = SMALL.from_fhir(edited, FULL)
    assert ("Eve", "", "") == (row["fname"], row["mname"], row["lname"])
    assert "1981-01-01" == str(row["dob"])
    assert ("M1", 3, 7) == (row["mrn"], row["score"], row["pid"])


class NamesRow(LegacyRow):
    """A patient's names."""

    pid: int
    fname: Text
    mname: Text


class Marked(Mapping[NamesRow]):
    """Two columns are one whole list item."""

    element, resource, row = "patients", "Patient", NamesRow
    table, key, system = "patient", "pid", "urn:pid"
    fields = (
        Field(
            ("fname", "mname"),
            "name[id=given]",
            lambda *names: {"given": [name for name in names if name]},
            lambda name: (name["given"][0], None),
            lossy=True,
            why="only the first is written back",
        ),
        Excluded("lname", "mrn", "dob", "died", "score", why="not clinical"),
    )


def test_unedited_list_item_changes_nothing() -> None:
    """A field that owns a whole list item leaves its columns alone until somebody edits it."""
    marked = Marked()
    made = marked.to_fhir(FULL)
    assert not isinstance(made, Quarantine)
    assert FULL == marked.from_fhir(made[0], FULL)


def test_from_fhir_over_a_row_that_does_not_map() -> None:
    """A wrong column of the base row is overwritten by what the resource says."""
    assert SMALL.from_fhir(MAPPED, FULL | {"fname": ""}) == FULL
    assert "Oak" == SMALL.from_fhir(MAPPED, FULL | {"lname": "\x00"})["lname"]


@pytest.mark.parametrize(
    ("path", "edit"),
    [
        ("birthDate", {"birthDate": "1981"}),
        ("name[use=official].family", {"name": [{"use": "official", "family": n} for n in "ab"]}),
    ],
)
def test_from_fhir_refuses(path: str, edit: dict[str, Any]) -> None:
    """What the columns cannot hold is an error that names the path and quotes nothing."""
    with pytest.raises(MappingError) as refused:
        SMALL.from_fhir({**MAPPED, **edit}, FULL)
    assert path == refused.value.path
    assert refused.value.__suppress_context__


class NoteRow(LegacyRow):
    """A note of a patient."""

    note_id: Text
    pid: int | None


class Notes(Mapping[NoteRow]):
    """A mapping with a reference, a whole item, a constant of its own and an escape hatch."""

    element, resource, row = "notes", "Communication", NoteRow
    table, key, system = "note", "note_id", "urn:note"
    owns = ("topic.text",)
    fields = (
        Reference("pid", "subject", to=SMALL),
        Constant("status", "completed"),
        Constant("identifier[system=urn:fixed]", {"value": "1"}),
    )

    def enrich(self, row: NoteRow, resource: dict[str, Any]) -> dict[str, Any]:
        """Name the topic, or refuse."""
        if row.pid == 13:
            refuse("unlucky", column="pid")
        return resource | {"topic": {"text": "note"}}


NOTES = Notes()


def test_reference() -> None:
    """A key of another element becomes a conditional reference with its identifier, and back."""
    row = {"note_id": "n,1", "pid": 7}
    (made,) = NOTES.to_fhir(row)  # type: ignore[misc]
    held = {"system": "urn:pid", "value": "7"}
    assert {"reference": "Patient?identifier=urn:pid|7", "identifier": held} == made["subject"]
    resolved = {**made, "subject": {"reference": "Patient/uuid", "identifier": held}}
    assert row | {"pid": 7} == NOTES.from_fhir(resolved, {"note_id": "", "pid": None})


def test_reference_to_a_stranger() -> None:
    """A reference without the other element's identifier does not go back."""
    made = {"identifier": [{"system": "urn:note", "value": "1"}], "subject": {"reference": "P/1"}}
    with pytest.raises(MappingError, match="record of patients"):
        NOTES.from_fhir(made, {"note_id": "1", "pid": 7})


def test_constants_and_enrich() -> None:
    """Constants of the resource are always there; the escape hatch may add and refuse."""
    (made,) = NOTES.to_fhir({"note_id": "1", "pid": None})  # type: ignore[misc]
    assert "completed" == made["status"]
    assert {"system": "urn:fixed", "value": "1"} == made["identifier"][1]
    assert {"text": "note"} == made["topic"]
    assert Quarantine("1", "pid", "unlucky") == NOTES.to_fhir({"note_id": "1", "pid": 13})


def test_register() -> None:
    """Every column has one line that says what becomes of it."""
    lines = register(SMALL)
    assert SMALL.columns == {line.column for line in lines}
    last = next(line for line in lines if line.column == "lname")
    assert ("direct", "Patient.name[use=official].family", "") == (
        last.disposition,
        last.path,
        last.transform,
    )
    assert ColumnDisposition.EXCLUDED == lines[-1].disposition
    assert "| score | patient.score | excluded |" in markdown(SMALL)
    assert "| reference | Communication.subject |" in markdown(NOTES)


def test_inferred_dispositions() -> None:
    """A field's disposition follows from its parts unless it is told."""
    assert ColumnDisposition.DIRECT == Field("a", "b").disposition
    assert ColumnDisposition.TRANSFORMED == Field("a", "b", *DAY).disposition
    assert ColumnDisposition.ONE_TO_MANY == Field("a", ("b", "c"), DAY.to).disposition
    told = Field("a", "b", disposition=ColumnDisposition.CONDITIONAL)
    assert ColumnDisposition.CONDITIONAL == told.disposition
