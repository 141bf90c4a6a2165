"""The relay: nothing is lost, whatever stops it and in whatever order transactions commit."""

import time
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from medplum_migration.adapters.legacy_sql import OUTBOX, SqlLegacyStore
from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.errors import (
    ConfigurationError,
    UnavailableError,
    VersionBehindError,
)
from medplum_migration.mapping.source import Source
from sandbox.clinic.database import clinic_engine, write_transaction
from sandbox.clinic.relay import POSITION, Relay, with_images
from sandbox.clinic.writer import Writer

pytestmark = pytest.mark.integration

ELEMENTS = {"patient_data": ["patients"]}


class Receiver:
    """Takes events; refuses them while `down`, after taking them while `forgetful`."""

    def __init__(self) -> None:
        self.events: list[ChangeEvent] = []
        self.down = self.forgetful = False

    def send(self, events: Sequence[ChangeEvent]) -> None:
        """Take a batch."""
        if self.down:
            reason = "the queue is down"
            raise UnavailableError(reason)
        self.events += events
        if self.forgetful:
            reason = "the answer was lost"
            raise UnavailableError(reason)

    @property
    def versions(self) -> list[int]:
        """The versions in the order received."""
        return [event.version for event in self.events]


@pytest.fixture
def receiver() -> Receiver:
    """Make a receiver."""
    return Receiver()


def work(engine: sa.Engine, steps: int = 60) -> list[int]:
    """Let the clinic work; list all sequences of the outbox."""
    writer = Writer(engine, seed=3)
    for _ in range(steps):
        writer.step()
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(OUTBOX.c.sequence).order_by(OUTBOX.c.sequence)))


def position(engine: sa.Engine) -> int | None:
    """Read the stored position."""
    with engine.connect() as connection:
        return connection.scalar(sa.select(POSITION.c.sequence))


def test_every_outbox_row_becomes_a_thin_event(clinic: sa.Engine, receiver: Receiver) -> None:
    """Events carry element, key, sequence and operation, in order, once, in batches."""
    relay = Relay(clinic, receiver.send, ELEMENTS, batch=7)
    sequences = work(clinic)
    assert len(sequences) == relay.lag().rows == relay.drain()
    assert sequences == receiver.versions
    assert {"patients"} == {event.element for event in receiver.events}
    assert {None} == {event.image for event in receiver.events}
    assert (0, 0) == (relay.lag().rows, relay.run_once())


def test_a_new_relay_goes_on_where_the_last_one_ended(
    clinic: sa.Engine, receiver: Receiver
) -> None:
    """The position survives the process; what was accepted is not sent again."""
    relay = Relay(clinic, receiver.send, ELEMENTS)
    first = work(clinic)
    relay.drain()
    relay.run_once()  # the position may have waited for a rolled back number
    everything = work(clinic)
    Relay(clinic, receiver.send, ELEMENTS).drain()
    assert everything == receiver.versions
    assert len(first) < len(everything)


@pytest.mark.parametrize("failure", ["down", "forgetful"])
def test_a_crash_repeats_and_never_loses(
    clinic: sa.Engine, receiver: Receiver, failure: str
) -> None:
    """The position moves after the receiver accepted; a crash between the two only repeats."""
    sequences = work(clinic)
    setattr(receiver, failure, True)
    with pytest.raises(UnavailableError):
        Relay(clinic, receiver.send, ELEMENTS, batch=5).run_once()
    assert position(clinic) is None
    setattr(receiver, failure, False)
    Relay(clinic, receiver.send, ELEMENTS, batch=5).drain()
    assert sequences == sorted(set(receiver.versions))
    assert (5 if failure == "forgetful" else 0) == len(receiver.versions) - len(sequences)


def test_one_table_may_hold_several_elements(clinic: sa.Engine, receiver: Receiver) -> None:
    """A change is told to each element of its table, and to nobody when there is none."""
    sequences = work(clinic, steps=5)
    Relay(clinic, receiver.send, {"patient_data": ["patients", "persons"]}).drain()
    assert [v for v in sequences for _ in "ab"] == receiver.versions
    assert len(sequences) == Relay(clinic, receiver.send, {}, name="other").drain()
    assert 2 * len(sequences) == len(receiver.events)


def test_images_come_with_their_own_version(clinic: sa.Engine, receiver: Receiver) -> None:
    """Full images say what a record is now, and a record gone since is a deletion."""
    store = SqlLegacyStore(clinic, {"patients": Source("patient_data", ("pid",))})
    sequences = work(clinic)
    Relay(clinic, receiver.send, ELEMENTS, images=store, batch=len(sequences)).drain()
    keys = [event.key for event in receiver.events]
    expected = [(r.key, r.version, r.row) for r in store.read("patients", keys)]
    assert expected == [(event.key, event.version, event.image) for event in receiver.events]
    assert sequences[-1] in receiver.versions
    assert {Operation.DELETE, Operation.UPSERT} == {event.operation for event in receiver.events}
    ahead = receiver.events[0].model_copy(update={"version": sequences[-1] + 1})
    with pytest.raises(VersionBehindError):
        with_images([ahead], store)


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_a_lower_number_may_commit_later(mariadb_url: str, receiver: Receiver, ending: str) -> None:
    """On MariaDB the position waits for a transaction that holds a lower number than others."""
    engine = clinic_engine(mariadb_url)
    OUTBOX.create(engine)
    entry = OUTBOX.insert().values(table_name="patient_data", operation="upsert")
    relay = Relay(engine, receiver.send, ELEMENTS)
    with engine.connect() as slow:
        slow.execute(entry.values(record_key="1"))
        with write_transaction(engine) as quick:
            quick.execute(entry.values(record_key="2"))
        assert 1 == relay.drain()
        assert ([2], None) == (receiver.versions, position(engine))
        relay.run_once()
        assert position(engine) is None
        getattr(slow, ending)()
    time.sleep(0.2)  # the server's list of open transactions may be that old
    assert (ending == "commit") == relay.drain()
    assert ([2, 1] if ending == "commit" else [2], 2) == (receiver.versions, position(engine))
    engine.dispose()


def test_other_databases_are_refused(receiver: Receiver) -> None:
    """The relay says for which databases its order is right."""
    engine = sa.create_engine("postgresql+psycopg://nowhere/none")
    with pytest.raises(ConfigurationError, match="the relay is written for"):
        Relay(engine, receiver.send, ELEMENTS)
    engine.dispose()
