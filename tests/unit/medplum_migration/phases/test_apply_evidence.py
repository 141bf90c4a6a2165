"""What the write protocol leaves behind: manifest, quarantine, telemetry."""

from medplum_migration.adapters.memory_fhir_store import Fault
from medplum_migration.domain.checkpoint import Disposition
from tests.applying import applied, outcomes
from tests.world import World, full, thin


def test_a_newer_success_closes_quarantine(world: World) -> None:
    """A mended row supersedes its quarantine entry."""
    applied(world, world.write(1, "unmappable"))
    applied(world, world.write(1, "Ada"))

    assert world.quarantine.get("people", "1") is None
    assert "Ada" == world.surname(1)


def test_a_late_failure_opens_nothing(world: World) -> None:
    """An older image that cannot be mapped is superseded, not quarantined."""
    applied(world, full(1, 2, "Ada"))

    assert ["superseded"] == outcomes(applied(world, full(1, 1, "unmappable")))
    assert world.quarantine.get("people", "1") is None


def test_a_failure_that_overlaps_a_newer_success_closes_itself(world: World) -> None:
    """A worker that searched before the success, and settles after it, leaves no stale entry."""
    world.fhir.hold(finds=1)
    stale = full(1, 1, "unmappable")
    # The held search is taken by the failing worker; the success settles first.
    fresh = world.fhir._stale.popleft()  # noqa: SLF001 because the test owns the interleaving
    applied(world, full(1, 2, "Ada"))
    world.fhir._stale.append(fresh)  # noqa: SLF001 because the test owns the interleaving

    assert ["quarantined"] == outcomes(applied(world, stale))
    assert world.quarantine.get("people", "1") is None
    known = world.manifest.get("people", "1")
    assert known is not None
    assert (2, Disposition.SUCCESSFUL) == (known.version, known.disposition)


def test_no_evidence_no_acknowledgement(world: World) -> None:
    """When the manifest does not answer, the record is deferred, and ends on the next delivery."""
    event = world.write(1, "Ada")
    world.manifest_items.available = False
    assert ["deferred"] == outcomes(applied(world, event))

    world.manifest_items.available = True
    assert ["current"] == outcomes(applied(world, event))
    known = world.manifest.get("people", "1")
    assert known is not None
    assert Disposition.SUCCESSFUL is known.disposition


def test_telemetry_tells_no_key_and_no_value(world: World) -> None:
    """Problems name a record by keyed hash, and quote nothing."""
    applied(world, world.write(4711, "unmappable"), thin(4712, 9))

    told = str(world.telemetry.problems) + str(world.telemetry.counts)
    assert "unmappable'" not in told
    assert "4711" not in told
    assert 2 == len(world.telemetry.problems)


def test_what_ended_badly_is_counted_by_cause(world: World) -> None:
    """A record held back and one that comes again are told apart, by error code."""
    applied(world, world.write(4711, "unmappable"), thin(4712, 9))

    assert 1 == world.telemetry.total("RecordsHeldBack", code="Mapping")
    assert 1 == world.telemetry.total("WorkDeferred", code="VersionBehind", store="legacy")


def test_a_second_look_keeps_the_evidence(world: World) -> None:
    """A duplicate finds the version there; what the write left in the manifest stays."""
    event = world.write(1, "Ada")
    applied(world, event)
    gone = world.delete(1)
    applied(world, gone)
    before = world.manifest.get("people", "1")
    applied(world, gone, event)

    assert before is not None
    assert (True, True) == (before.deleted, bool(before.content_hash))
    assert before == world.manifest.get("people", "1")


def test_a_worker_that_died_before_closing_closes_on_redelivery(world: World) -> None:
    """The success is in the manifest, the failure still in quarantine: the next delivery closes."""
    applied(world, world.write(1, "unmappable"))
    failure = world.quarantine.get("people", "1")
    event = world.write(1, "Ada")
    applied(world, event)
    assert failure is not None
    world.quarantine.put(failure)

    applied(world, event)
    assert world.quarantine.get("people", "1") is None


def test_a_superseded_delivery_closes_what_is_older(world: World) -> None:
    """A failure that was stored after the success, by a worker that then died, is found."""
    first = world.write(1, "unmappable")
    applied(world, first)
    failure = world.quarantine.get("people", "1")
    applied(world, world.write(1, "Ada"))
    assert failure is not None
    world.quarantine.put(failure)

    applied(world, full(1, 1, "unmappable"))
    assert world.quarantine.get("people", "1") is None


def test_a_failure_never_replaces_a_success_of_the_same_version(world: World) -> None:
    """What is in Medplum is successful, whoever failed to put it there a second time."""
    applied(world, full(1, 2, "Ada"))
    world.fhir.hold()
    world.fhir.remove("Patient", world.held(1)["id"])
    world.fhir.inject(Fault.REFUSED)
    world.fhir._stale.clear()  # noqa: SLF001 because the resource is really gone
    assert ["rejected"] == outcomes(applied(world, full(1, 2, "Ada")))

    known = world.manifest.get("people", "1")
    assert known is not None
    assert Disposition.SUCCESSFUL is known.disposition


def test_a_resource_that_became_foreign_stays_in_quarantine(world: World) -> None:
    """The version was applied once; now somebody dropped the fence, and a person must look."""
    event = world.write(1, "Ada")
    applied(world, event)
    world.fhir.edit("Patient", world.held(1)["id"], lambda r: r["meta"].pop("source"))

    assert ["quarantined"] == outcomes(applied(world, event))
    assert world.quarantine.get("people", "1") is not None
