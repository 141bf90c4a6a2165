"""Port `Checkpoints`: states, runs, chunks and audit, on every table."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from medplum_migration.adapters.control_table import ControlTable
from medplum_migration.adapters.table import Table
from medplum_migration.domain.checkpoint import Balance, Chunk, ChunkStatus, Run, RunStatus
from medplum_migration.domain.data_element import ElementState
from medplum_migration.domain.errors import ConflictError
from medplum_migration.domain.phase import Phase
from medplum_migration.ports.checkpoints import AuditEntry, Checkpoints


@pytest.fixture
def checkpoints(table: Table) -> Checkpoints:
    """Give the port under test."""
    return ControlTable(table)


def _run(run_id: str, started_at: float = 1.0, revision: int = 0) -> Run:
    return Run(
        element="patients",
        run_id=run_id,
        chunk_size=10,
        total=25,
        started_at=started_at,
        revision=revision,
    )


def _chunk(number: int) -> Chunk:
    return Chunk(element="patients", run_id="r1", number=number, after="a", upto="b", size=10)


def test_unknown_element_is_off(checkpoints: Checkpoints) -> None:
    """An element without a state has the default one."""
    assert ElementState(element="patients") == checkpoints.element("patients")


def test_element_state_round_trip(checkpoints: Checkpoints) -> None:
    """A state comes back as stored, with the revision that the next save needs."""
    first = ElementState(element="patients", phase=Phase.DUAL_WRITE, epoch=3)
    saved = checkpoints.save_element(first)
    assert saved == checkpoints.element("patients")
    assert (Phase.DUAL_WRITE, 3, 1) == (saved.phase, saved.epoch, saved.revision)
    assert checkpoints.save_element(saved).revision == 2
    assert ElementState(element="practitioners") == checkpoints.element("practitioners")


def test_stale_element_state_loses(checkpoints: Checkpoints) -> None:
    """A state that was read before another was stored is refused and changes nothing."""
    saved = checkpoints.save_element(ElementState(element="patients", epoch=1))
    with pytest.raises(ConflictError):
        checkpoints.save_element(ElementState(element="patients", epoch=2))
    assert saved == checkpoints.element("patients")


def test_run_round_trip(checkpoints: Checkpoints) -> None:
    """The latest run of an element comes back as stored."""
    assert checkpoints.run("patients") is None
    saved = checkpoints.save_run(_run("r1"))
    assert saved == checkpoints.run("patients")
    assert checkpoints.run("practitioners") is None


def test_new_run_follows_on_the_latest_revision(checkpoints: Checkpoints) -> None:
    """A run replaces the latest one if it was started from it; a second start loses."""
    done = checkpoints.save_run(_run("r1").model_copy(update={"status": RunStatus.DONE}))
    second = checkpoints.save_run(_run("r2", 2.0, revision=done.revision))
    with pytest.raises(ConflictError):
        checkpoints.save_run(_run("r3", 2.5, revision=done.revision))
    with pytest.raises(ConflictError):
        checkpoints.save_run(_run("r4", 2.5))
    assert second == checkpoints.run("patients")


def test_history_of_runs(table: Table) -> None:
    """Every run stays readable, oldest first, as it was last stored."""
    control = ControlTable(table)
    first = control.save_run(_run("r1"))
    first = control.save_run(first.model_copy(update={"status": RunStatus.DONE}))
    second = control.save_run(_run("r2", 2.0, revision=first.revision))
    assert [first, second] == control.runs("patients")


def test_chunk_round_trip(checkpoints: Checkpoints) -> None:
    """A chunk comes back as stored, with lease, cursor and balance."""
    leased = _chunk(0).leased("token", 10.0, lease_s=60.0)
    counted = leased.advanced("k", Balance(eligible=2, successful=2), 11.0, lease_s=60.0)
    saved = checkpoints.save_chunk(counted)
    assert saved == checkpoints.chunk("patients", "r1", 0)
    assert (1, ChunkStatus.RUNNING, "k") == (saved.revision, saved.status, saved.cursor)
    assert checkpoints.chunk("patients", "r1", 1) is None
    assert checkpoints.chunk("patients", "r2", 0) is None


def test_chunks_by_number(checkpoints: Checkpoints) -> None:
    """All chunks of a run are listed by number, however many digits it has."""
    saved = {n: checkpoints.save_chunk(_chunk(n)) for n in (11, 2, 0, 100, 1)}
    assert [saved[n] for n in (0, 1, 2, 11, 100)] == checkpoints.chunks("patients", "r1")
    assert [] == checkpoints.chunks("patients", "r2")


@pytest.mark.usefixtures("races")
def test_one_worker_gets_the_lease(checkpoints: Checkpoints) -> None:
    """Of twenty workers that lease a free chunk exactly one succeeds."""
    free = checkpoints.save_chunk(_chunk(0))

    def lease(n: int) -> bool:
        try:
            checkpoints.save_chunk(free.leased(f"t{n}", 1.0, lease_s=60.0))
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(lease, range(20))) == 1


def test_audit_trail_is_append_only(checkpoints: Checkpoints) -> None:
    """Entries are read oldest first, equal ones too, and none is ever replaced."""
    early = AuditEntry("patients", 5.0, "ann", "phase", "off → dual_write")
    late = AuditEntry("patients", 12.5, "bob", "phase", "dual_write → backfill")
    later = AuditEntry("patients", 12.5, "bob", "pause", "")
    for entry in (late, later, early, late):
        checkpoints.append_audit(entry)
    assert [early, late, later, late] == checkpoints.audit("patients")
    assert [] == checkpoints.audit("practitioners")
