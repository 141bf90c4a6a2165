"""Reconciliation: every kind of difference is named, and lag is never one of them."""

from dataclasses import replace
from typing import Any

import pytest

from medplum_migration.domain.checkpoint import Balance
from medplum_migration.domain.difference import Finding
from medplum_migration.domain.identity import Identifier
from medplum_migration.domain.phase import Phase
from medplum_migration.mapping.field import Constant
from medplum_migration.mapping.part import Part
from medplum_migration.mapping.reference import Reference
from medplum_migration.phases.apply import apply
from medplum_migration.ports.quarantine import QuarantineEntry
from medplum_migration.verification.balance import balance_of
from medplum_migration.verification.reconcile import Reconcile, Reconciliation
from tests.world import SYSTEM, PersonMapping, PersonRow, World, refuse_forbidden, thin


@pytest.fixture
def reconcile(world: World) -> Reconcile:
    """Compare the world's two stores."""
    return Reconcile(
        mapping=world.mapping,
        legacy=world.legacy,
        fhir=world.fhir,
        quarantine=world.quarantine,
        crosswalk=world.target.crosswalk,
        validate=refuse_forbidden,
        source="clinic",
        page_size=2,
    )


def fill(world: World) -> None:
    """Migrate five records, one of them deleted, one quarantined."""
    events = [world.write(number, f"Name {number}") for number in range(4)]
    events += [world.write(4, "unmappable")]
    apply(events, world.mapping, world.target)
    apply([world.delete(3)], world.mapping, world.target)


def only(found: Reconciliation) -> tuple[Finding, str, tuple[str, ...]]:
    """Take the single difference."""
    (difference,) = found.differences
    return difference.finding, difference.key, difference.paths


def test_equal_stores_are_equal(world: World, reconcile: Reconcile) -> None:
    """Live records match, deleted ones match their tombstones, quarantined ones are named."""
    fill(world)
    found = reconcile()

    assert found.is_equal
    assert {Finding.MATCH: 4, Finding.QUARANTINED: 1} == dict(found.findings)
    assert (4, 4) == (found.records, found.resources)
    assert Balance(eligible=5, successful=4, quarantined=1) == balance_of(
        "people", world.manifest, eligible=5
    )


def test_lag_is_no_difference(world: World, reconcile: Reconcile) -> None:
    """A write under way is lagging, whatever its fields say."""
    fill(world)
    world.write(0, "Newer")
    found = reconcile()

    assert (1, []) == (found.findings[Finding.LAGGING], found.differences)
    assert not found.is_equal


def test_a_changed_field_is_found_by_path(world: World, reconcile: Reconcile) -> None:
    """The path is told, the values are not."""
    fill(world)

    def change(resource: dict[str, Any]) -> None:
        resource["name"][0]["family"] = "Wrong"

    world.fhir.edit("Patient", world.held(1)["id"], change)

    assert (Finding.DIFFERENT, "1", ("name[use=official].family",)) == only(reconcile())


def test_a_missing_resource_is_found(world: World, reconcile: Reconcile) -> None:
    """A resource deleted on the server is missing."""
    fill(world)
    world.fhir.remove("Patient", world.held(1)["id"])

    assert (Finding.MISSING, "1", ()) == only(reconcile())


def test_a_doubled_resource_is_found(world: World, reconcile: Reconcile) -> None:
    """Two resources with one identifier are doubled."""
    fill(world)
    world.fhir.seed({k: v for k, v in world.held(1).items() if k != "id"})

    assert (Finding.DOUBLED, "1", ()) == only(reconcile())


def test_a_reborn_record_is_found(world: World, reconcile: Reconcile) -> None:
    """A deleted record that shows content again is reborn."""
    fill(world)
    world.fhir.edit("Patient", world.held(3)["id"], lambda r: r.update(active=True))

    assert (Finding.REBORN, "3", ("active",)) == only(reconcile())


def test_foreign_resources_are_found(world: World, reconcile: Reconcile) -> None:
    """A resource with an identifier of ours but no fence is foreign."""
    fill(world)
    world.fhir.edit("Patient", world.held(1)["id"], lambda r: r["meta"].pop("source"))
    found = reconcile()

    assert {Finding.FOREIGN} == {difference.finding for difference in found.differences}


def test_a_resource_without_a_record_is_found(world: World, reconcile: Reconcile) -> None:
    """A resource whose record the legacy store never had is unexpected."""
    fill(world)
    world.fhir.seed(
        {
            "resourceType": "Patient",
            "meta": {"source": "urn:legacy:clinic:people:77#v=1&m=3"},
            "identifier": [{"system": SYSTEM, "value": "77"}],
        }
    )

    assert (Finding.UNEXPECTED, "77", ()) == only(reconcile())


def test_an_unmappable_record_that_nobody_quarantined_is_found(
    world: World, reconcile: Reconcile
) -> None:
    """A record at its version that cannot be mapped should not be there."""
    fill(world)
    world.legacy.set("people", "1", {"number": 1, "surname": "unmappable"}, version=1)

    assert (Finding.UNEXPECTED, "1", ("surname",)) == only(reconcile())


def test_a_record_without_one_of_its_resources_is_found(world: World, reconcile: Reconcile) -> None:
    """A record whose mapping yields a resource that Medplum lacks is missing, at equal versions."""

    class Twofold(PersonMapping):
        """Everybody has a second resource."""

        fields = ()
        parts = (
            Part("first", *PersonMapping.fields),
            Part("second", Constant("language", "en")),
        )

    twofold = Twofold()
    apply([world.write(1, "Ash")], twofold, world.target)
    compare = replace(reconcile, mapping=twofold)
    assert compare().is_equal

    (second,) = world.fhir.resources.find("Patient", [Identifier(f"{SYSTEM}/second", "1")])
    world.fhir.resources.delete("Patient", second["id"])
    assert (Finding.MISSING, "1", ()) == only(compare())


def test_references_are_compared_as_resolved(world: World, reconcile: Reconcile) -> None:
    """A reference that leads to another record is found; one to an orphan stays by identifier."""

    class FriendRow(PersonRow):
        """People with a friend."""

        friend: int | None = None

    class Friends(PersonMapping):
        """Everybody's manager is a person."""

        row = FriendRow
        fields = (
            *PersonMapping.fields,
            Reference("friend", "managingOrganization", to=PersonMapping(), orphans=True),
        )

    world.set_phase(Phase.DUAL_WRITE)
    world.write(7, "Ash")
    friends = Friends()
    for number, friend in ((1, 7), (2, 99)):
        row = {"number": number, "surname": "Oak", "friend": friend}
        version = world.legacy.set("people", str(number), row)
        apply([thin(number, version)], friends, world.target)
    compare = replace(reconcile, mapping=friends)
    assert compare().is_equal

    resource = world.held(1)
    leads_elsewhere = {**resource["managingOrganization"], "reference": "Patient/other"}
    world.fhir.resources.update(
        resource["id"], {**resource, "managingOrganization": leads_elsewhere}
    )
    assert (Finding.DIFFERENT, "1", ("managingOrganization",)) == only(compare())


def test_quarantine_hides_no_difference(world: World, reconcile: Reconcile) -> None:
    """A record that can be mapped is compared, whatever waits in quarantine."""
    fill(world)
    gone = world.delete(0)
    world.quarantine.put(
        QuarantineEntry(
            element="people",
            key="0",
            version=gone.version,
            operation=gone.operation,
            code="DeliveriesExhausted",
            reason="x",
            quarantined_at=0.0,
        )
    )

    assert not reconcile().is_equal


def test_a_clone_is_found(world: World, reconcile: Reconcile) -> None:
    """A copy with another identifier of our system is not its record's resource."""
    fill(world)
    clone = {k: v for k, v in world.held(1).items() if k != "id"}
    clone["identifier"] = [{"system": SYSTEM, "value": "1-copy"}]
    world.fhir.seed(clone)

    assert (Finding.UNEXPECTED, "1", ()) == only(reconcile())


def test_a_store_that_was_set_back_is_found(world: World, reconcile: Reconcile) -> None:
    """A version above the legacy store's means that the store was restored from a backup."""
    fill(world)
    world.legacy.set("people", "1", {"number": 1, "surname": "Name 1"}, version=0)

    assert (Finding.AHEAD, "1", ()) == only(reconcile())


def test_what_moves_is_looked_at_again(world: World, reconcile: Reconcile) -> None:
    """A write that arrives between the two reads is no difference."""
    fill(world)
    event = world.write(0, "Newer")
    real, calls = world.fhir.find, 0

    def late(*args: Any) -> Any:
        nonlocal calls
        answer = real(*args)
        calls += 1
        if calls == 1:
            world.fhir.find = real  # type: ignore[method-assign] # because the event is late once
            apply([event], world.mapping, world.target)
        return answer

    world.fhir.find = late  # type: ignore[method-assign, assignment] # because the event is late

    assert reconcile().is_equal


def test_tombstones_match_under_a_new_mapping_version(world: World, reconcile: Reconcile) -> None:
    """A tombstone says the same under every mapping version."""
    fill(world)
    type(world.mapping).mapping_version = 4
    try:
        found = reconcile()
    finally:
        type(world.mapping).mapping_version = 3

    assert {Finding.LAGGING: 3, Finding.MATCH: 1, Finding.QUARANTINED: 1} == dict(found.findings)
