"""A fork in memory for the command: three elements that refer to each other, and their store."""

from typing import Any

from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import LegacyRow, NullableText, Rows, Text
from medplum_migration.mapping.field import Excluded, Field, OutOfScope, Unsupported
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.part import Part
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Children, Join
from medplum_migration.ports.legacy import LegacyStore

SEX = Codes(
    "codes/sex.csv",
    lambda: (
        "legacy,code,system,display,relationship,canonical\n"
        "M,male,http://hl7.org/fhir/administrative-gender,Male,equivalent,y\n"
        "F,female,http://hl7.org/fhir/administrative-gender,Female,narrower,y\n"
    ),
)


class ClinicRow(LegacyRow):
    """The columns of `clinic` that are read."""

    code: str
    name: Text


class ClinicMapping(Mapping[ClinicRow]):
    """Clinics."""

    element, resource, row = "clinics", "Organization", ClinicRow
    table, key, system = "clinic", "code", "https://example.org/id/clinic"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization"
    fields = (Field("name", "name"),)


clinics = ClinicMapping()


class PersonRow(LegacyRow):
    """The columns of `person` that are read."""

    number: int
    surname: Text
    sex: Text
    clinic: NullableText


class PersonMapping(Mapping[PersonRow]):
    """People, each of one clinic."""

    element, resource, row = "people", "Patient", PersonRow
    table, key, system = "person", "number", "https://example.org/id/person"
    one_way = "nobody writes there"
    fields = (
        Field("surname", "name[use=official].family", lossy=True, why="case is lost"),
        Field("sex", "gender", SEX.decode, SEX.encode),
        Reference("clinic", "managingOrganization", to=clinics),
        Unsupported("blood", why="no reviewed place"),
        Excluded("score", why="not clinical"),
        OutOfScope("notes", why="an element of its own"),
    )


people = PersonMapping()


class NoteRow(LegacyRow):
    """The columns of `note` that are read."""

    text: Text


class VisitRow(LegacyRow):
    """The columns of `visit`, and what joins add."""

    visit: int
    line: int
    person: int
    weight: Text
    height: Text
    place: Text
    remarks: Rows[NoteRow]


class VisitMapping(Mapping[VisitRow]):
    """Visits: a weight and a height each."""

    element, resource, row = "visits", "Observation", VisitRow
    table, key, system = "visit", ("visit", "line"), "https://example.org/id/visit"
    joins = (Join("clinic", on={"code": "clinic"}, columns={"place": "name"}),)
    children = (
        Children("remarks", "note", on={"visit": "visit"}, columns=("text",), order_by=("id",)),
    )
    fields = (
        Reference("person", "subject", to=people),
        Field("place", "bodySite.text"),
        Field("remarks", "note", lambda rows: [{"text": r.text} for r in rows], lambda _: []),
    )
    parts = (
        Part("weight", Field("weight", "valueString")),
        Part("height", Field("height", "valueQuantity", lambda v: {"unit": v}, str)),
    )


visits = VisitMapping()
MAPPINGS: tuple[Mapping[Any], ...] = (visits, people, clinics)


class Wide(MemoryLegacyStore):
    """A store that can read the columns that no mapping reads."""

    def with_all_columns(self) -> LegacyStore:
        """Add them."""
        wide = MemoryLegacyStore()
        for element in ("clinics", "people", "visits"):
            for record in self.page(element, after=None, upto=None, limit=1000):
                dropped = {"blood": "A", "score": 0, "notes": "marked-note", "forgotten": "x"}
                more = dropped if element == "people" else {}
                wide.set(element, record.key, {**(record.row or {}), **more})
        return wide


def open_store(dsn: str) -> LegacyStore:
    """Open the store; `wide` reads all columns."""
    store = Wide() if dsn == "wide" else MemoryLegacyStore()
    for code, name in (("north", "marked-north"), ("North ", "marked-again"), ("south", "unknown")):
        store.set("clinics", code, {"code": code, "name": name})
    for number, sex in enumerate(("M", "F", "X", "", None)):
        person = {"number": number, "surname": "marked-name", "sex": sex, "clinic": "north"}
        store.set("people", str(number), person)
    return store
