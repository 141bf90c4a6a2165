"""Reconciliation of records with several resources, one of which an older version left behind."""

import pytest

from medplum_migration.domain.difference import Finding
from medplum_migration.domain.identity import Identifier
from medplum_migration.phases.apply import apply
from medplum_migration.verification.reconcile import Reconcile
from tests.unit.medplum_migration.phases.test_apply_many import PairMapping
from tests.world import SYSTEM, World, full, refuse_forbidden


@pytest.mark.parametrize(("surname", "finding"), [("Z", Finding.MATCH), ("ZW", Finding.LAGGING)])
def test_an_older_tombstone(world: World, surname: str, finding: Finding) -> None:
    """It matches while the record gives no such resource; otherwise a write is awaited."""
    pair = PairMapping()
    apply([full(1, 1, "XY")], pair, world.target)
    (left,) = world.fhir.resources.find("Patient", [Identifier(f"{SYSTEM}/b", "1")])
    apply([full(1, 2, "Z")], pair, world.target)
    (grave,) = world.fhir.resources.find("Patient", [Identifier(f"{SYSTEM}/b", "1")])
    meta = {**grave["meta"], "source": left["meta"]["source"]}
    world.fhir.edit("Patient", grave["id"], lambda body: body.update(meta=meta))
    world.legacy.set("people", "1", {"number": 1, "surname": surname}, version=2)
    compare = Reconcile(
        mapping=pair,
        legacy=world.legacy,
        fhir=world.fhir,
        quarantine=world.quarantine,
        crosswalk=world.target.crosswalk,
        validate=refuse_forbidden,
        source="clinic",
    )

    assert {finding} == set(compare().findings)
