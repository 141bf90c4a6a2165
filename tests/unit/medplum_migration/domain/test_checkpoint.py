"""Checkpoints: balances that can fail to close, and chunks whose leases run out."""

from medplum_migration.domain.checkpoint import Balance, Chunk, ChunkStatus, Disposition
from medplum_migration.domain.errors import MappingError, ThrottledError

CHUNK = Chunk(element="people", run_id="r", number=0, after=None, upto="9", size=10)


def test_a_balance_counts_both_sides() -> None:
    """What was read is counted apart from what became of it."""
    ends = [Disposition.SUCCESSFUL, Disposition.SKIPPED, Disposition.SUCCESSFUL]
    balance = Balance.of(4, ends) + Balance(eligible=1, rejected=1)

    assert "eligible 5 = successful 2 + rejected 1 + skipped 1 + quarantined 0" == str(balance)
    assert 1 == balance.open


def test_a_lease_runs_out() -> None:
    """A chunk of a dead worker is free again when its lease ends."""
    leased = CHUNK.leased("t", 100.0, lease_s=60)

    assert (False, True) == (leased.is_free(159.9), leased.is_free(160.0))


def test_a_chunk_is_due_when_nobody_took_it_in_time() -> None:
    """An enqueued chunk is left alone for a while."""
    enqueued = CHUNK.model_copy(update={"enqueued_at": 100.0})

    assert (False, True) == (
        enqueued.is_due(109.0, patience_s=10),
        enqueued.is_due(110.0, patience_s=10),
    )


def test_progress_moves_the_cursor_and_forgives_setbacks() -> None:
    """The next page starts after the last key that is safely written."""
    ahead = CHUNK.set_back().advanced("4", Balance(eligible=5, successful=5), 7.0, lease_s=60)

    assert ("4", 0, 5) == (ahead.position, ahead.setbacks, ahead.balance.eligible)


def test_a_done_chunk_is_never_free() -> None:
    """Done is done, until an operator restarts it."""
    done = CHUNK.finished(1.0)

    assert not done.is_free(1e12)
    assert ChunkStatus.PENDING is done.restarted().status


def test_errors_say_their_fields_and_no_more() -> None:
    """An error's text is its reason and its fields; its code is stable."""
    error = MappingError(element="patients", path="DOB", reason="not a calendar date")

    assert "not a calendar date (element=patients, path=DOB)" == str(error)
    assert ("Mapping", "Throttled") == (error.code, ThrottledError("x", retry_after_s=1).code)
    assert "x (retry_after_s=1)" == str(ThrottledError("x", retry_after_s=1))
