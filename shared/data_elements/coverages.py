"""Coverages: OpenEMR `insurance_data` with a provider, which is a payer, to Coverage."""

from data_elements.clinic import LEGACY
from data_elements.coverages_unmapped import UNMAPPED
from data_elements.patients import patients
from data_elements.payers import payers
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import Day, LegacyRow, Link, NullableText, TextLink
from medplum_migration.mapping.field import Constant, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import PRESENT
from medplum_migration.mapping.transforms import DAY

RELATIONSHIP = Codes.packaged(
    "data_elements",
    "codes/subscriber_relationship.csv",
    local=f"{LEGACY}/subscriber-relationship",
)
_CLASSES = "http://terminology.hl7.org/CodeSystem/coverage-class"
_RANKS = {"primary": 1, "secondary": 2, "tertiary": 3}


class CoverageRow(LegacyRow):
    """The columns of `insurance_data` that are read."""

    id: int
    pid: Link
    provider: TextLink
    type: NullableText
    plan_name: NullableText
    policy_number: NullableText
    group_number: NullableText
    subscriber_relationship: NullableText
    subscriber_fname: NullableText
    subscriber_mname: NullableText
    subscriber_lname: NullableText
    date: Day
    date_end: Day


def _rank(value: str) -> int:
    if value not in _RANKS:
        refuse("neither primary, secondary nor tertiary")
    return _RANKS[value]


def _people(
    pid: int | None, relationship: str | None, *names: str | None
) -> tuple[Resource | None, Resource | None, Resource | None]:
    """Give beneficiary, relationship and subscriber: the patient, or a name."""
    if pid is None:
        return None, None, None
    concept = None if relationship is None else RELATIONSHIP.decode_concept(relationship)
    if relationship == "self":
        return patients.refer(pid), concept, patients.refer(pid)
    name = " ".join(part for part in names if part is not None)
    return patients.refer(pid), concept, {"display": name} if name else None


def _plan(name: str) -> tuple[str, str]:
    return name, name


def _class(code: str) -> Constant:
    coding = {"system": _CLASSES, "code": code}
    return Constant(f"class[id={code}].type", {"coding": [coding]})


class CoverageMapping(Mapping[CoverageRow]):
    """What insures a patient."""

    element, resource = "coverages", "Coverage"
    row = CoverageRow
    table, key, system = "insurance_data", "id", f"{LEGACY}/id/insurance_data"
    where = {"provider": PRESENT}  # noqa: RUF012 because the base declares it
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-coverage"
    one_way = "claims are made in the legacy store, where insurance is kept"
    refers_to = (patients,)
    fields = (
        Constant("status", "active", why="the store knows no cancelled policy, only its last day"),
        Field(
            (
                *("pid", "subscriber_relationship"),
                *("subscriber_fname", "subscriber_mname", "subscriber_lname"),
            ),
            ("beneficiary", "relationship", "subscriber"),
            _people,
            why="a subscriber who is not the patient is known by name only",
        ),
        Reference(
            "provider",
            "payor[id=payer]",
            to=payers,
            orphans=True,
            why="a policy holds although its company was deleted",
        ),
        Field("policy_number", "subscriberId"),
        Field("type", "order", _rank),
        Field(
            "plan_name",
            ("class[id=plan].value", "class[id=plan].name"),
            _plan,
            why="R4 demands a value; the store has only the plan's name",
        ),
        _class("plan"),
        Field("group_number", "class[id=group].value"),
        _class("group"),
        Field("date", "period.start", *DAY),
        Field("date_end", "period.end", *DAY),
        *UNMAPPED,
    )

    def enrich(self, row: CoverageRow, resource: Resource) -> Resource:
        """Refuse what R4 demands and the row lacks, and a period that ends before it starts."""
        if row.pid is None:
            refuse("a coverage without a patient", column="pid")
        if row.provider is None:
            refuse("a coverage without a payer", column="provider")
        if row.date and row.date_end and row.date_end < row.date:
            refuse("the coverage ends before it starts", column="date_end")
        return resource


coverages = CoverageMapping()
