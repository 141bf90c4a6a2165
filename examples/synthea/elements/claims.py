"""Claims: `claims.csv` to Claim; its lines and amounts lie in `claims_transactions.csv`."""

from typing import Any

from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.patients import patients
from examples.synthea.elements.payers import payers
from examples.synthea.elements.practitioners import practitioners
from examples.synthea.elements.synthea import (
    LEGACY,
    ONE_WAY,
    SNOMED,
    TERMINOLOGY,
    Needed,
    NeededInstant,
    coding,
    concept,
    id_system,
)
from medplum_migration.domain.data_element import Resource
from medplum_migration.fhir.tombstones import absent
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Constant, Excluded, Field, OutOfScope
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.source import Join

_DIAGNOSES = tuple(f"DIAGNOSIS{number}" for number in range(1, 9))


class ClaimRow(LegacyRow):
    """The columns that are read, and the payer's name."""

    Id: Needed
    PATIENTID: Needed
    PROVIDERID: Needed
    PRIMARYPATIENTINSURANCEID: Text
    PAYER_NAME: Text
    DIAGNOSIS1: Text
    DIAGNOSIS2: Text
    DIAGNOSIS3: Text
    DIAGNOSIS4: Text
    DIAGNOSIS5: Text
    DIAGNOSIS6: Text
    DIAGNOSIS7: Text
    DIAGNOSIS8: Text
    APPOINTMENTID: Needed
    SERVICEDATE: NeededInstant
    LASTBILLEDDATE1: NeededInstant
    HEALTHCARECLAIMTYPEID1: Needed


def _insurance(coverage: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"sequence": 1, "focal": True, "coverage": coverage}]


def _diagnoses(*codes: str | None) -> list[dict[str, Any]]:
    held = [coding(SNOMED, code, None) for code in codes if code is not None]
    return [
        {"sequence": number, "diagnosisCodeableConcept": made}
        for number, made in enumerate(held, 1)
    ]


def _item(encounter: str) -> list[dict[str, Any]]:
    """Give a line for the encounter, which has no other place; the service is not told here."""
    made = {"sequence": 1, "productOrService": absent()}
    return [made | {"encounter": [encounters.refer(encounter)]}]


def _type(legacy: str) -> dict[str, Any]:
    return concept(f"{LEGACY}/claim-type", legacy)


class ClaimMapping(Mapping[ClaimRow]):
    """A bill; its type stays the local number, which the bundles contradict."""

    element, resource = "claims", "Claim"
    row = ClaimRow
    table, key, system = "claims", "Id", id_system("claims")
    refers_to = (encounters,)
    one_way = ONE_WAY
    joins = (
        Join("payers", on={"Id": "PRIMARYPATIENTINSURANCEID"}, columns={"PAYER_NAME": "NAME"}),
    )
    fields = (
        Constant("status", "active", why="a claim that was made; billing states are no status"),
        Constant("use", "claim"),
        Constant("priority", concept(f"{TERMINOLOGY}/processpriority", "normal")),
        Reference("PATIENTID", "patient", to=patients),
        Reference("PROVIDERID", "provider", to=practitioners),
        Reference("PRIMARYPATIENTINSURANCEID", "insurer", to=payers),
        Field("PAYER_NAME", "insurance", lambda name: _insurance({"display": name})),
        Field(_DIAGNOSES, "diagnosis", _diagnoses),
        Field("APPOINTMENTID", "item", _item),
        Field("SERVICEDATE", "billablePeriod.start"),
        Field("LASTBILLEDDATE1", "created"),
        Field("HEALTHCARECLAIMTYPEID1", "type", _type),
        OutOfScope(
            *("STATUS1", "STATUS2", "STATUSP", "OUTSTANDING1", "OUTSTANDING2", "OUTSTANDINGP"),
            *("LASTBILLEDDATE2", "LASTBILLEDDATEP", "HEALTHCARECLAIMTYPEID2"),
            why="what was paid belongs to ExplanationOfBenefit and claims_transactions.csv",
        ),
        OutOfScope("SECONDARYPATIENTINSURANCEID", why="no file holds the coverage it needs"),
        Excluded("DEPARTMENTID", "PATIENTDEPARTMENTID", why="numbers without a table"),
        Excluded("REFERRINGPROVIDERID", why="never filled in"),
        Excluded("SUPERVISINGPROVIDERID", why="always the provider"),
        Excluded("CURRENTILLNESSDATE", why="mostly the day of service, and never of an illness"),
    )

    def enrich(self, row: ClaimRow, resource: Resource) -> Resource:
        """Say of a claim without a payer that its coverage is not known: FHIR demands one."""
        del row
        return {"insurance": _insurance(absent())} | resource


claims = ClaimMapping()
