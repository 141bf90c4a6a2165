"""The relay on three databases: nothing is lost, in whatever order transactions commit."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from medplum_migration.adapters.capture_tables import OUTBOX
from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from tests.contract.captured_clinic import Captured
from tests.contract.legacy_databases import SQL, empty_database
from tests.relaying import relay_of

pytestmark = pytest.mark.integration

SERVERS = [name for name in SQL if name != "sqlite"]
NOTE = "UPDATE visit SET note = '{}' WHERE id = {}"
NAME = "UPDATE USER SET name = '{}' WHERE id = 10"


@pytest.fixture
def clinic(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Captured]:
    """Offer three captured visits of one provider, already published."""
    with empty_database(request.param, tmp_path) as dsn, closing(Captured(dsn)) as opened:
        opened.write("INSERT INTO USER VALUES (10, 'ann', NULL, 1)")
        rows = ", ".join(f"({n}, 'home', 10)" for n in (1, 2, 3))
        opened.write(f"INSERT INTO visit (id, kind, provider) VALUES {rows}")  # noqa: S608 because rows are numbers
        relay_of(opened.engine, _forget).drain()
        yield opened


def _forget(events: Sequence[ChangeEvent]) -> None:
    assert events


class Receiver:
    """Keeps the events; may fail before or after it has taken a batch."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []
        self.fails = ""

    def __call__(self, events: Sequence[ChangeEvent]) -> None:
        """Take a batch."""
        if self.fails == "before":
            self._fail()
        self.events += [(event.key, event.version) for event in events]
        if self.fails == "after":
            self._fail()

    def _fail(self) -> None:
        reason = "the process ends"
        raise UnavailableError(reason)


@pytest.mark.parametrize("clinic", SERVERS, indirect=True)
@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_what_was_written_earlier_and_commits_later_is_published(
    clinic: Captured, ending: str
) -> None:
    """A change that is older than what was published and removed comes when it commits."""
    received = Receiver()
    relay = relay_of(clinic.engine, received)
    with clinic.engine.connect() as slow:
        slow.exec_driver_sql(NOTE.format("slow", 1))
        clinic.write(NOTE.format("quick", 2))
        assert 1 == relay.drain()
        clinic.write(NOTE.format("quick", 3))
        assert 1 == relay.drain()
        assert [("2", 2), ("3", 2)] == received.events
        getattr(slow, ending)()
    assert (1 if ending == "commit" else 0) == relay.drain()
    assert ending == "rollback" or received.events[-1] == ("1", 2)
    assert [] == clinic.rows()


@pytest.mark.parametrize("clinic", SERVERS, indirect=True)
def test_one_record_s_sequences_follow_its_commits(clinic: Captured) -> None:
    """Two transactions that change one record by way of two tables are numbered as they commit."""
    numbered: list[int] = []
    with clinic.engine.connect() as first:
        first.exec_driver_sql(NAME.format("cy").replace("USER", clinic.quote("user")))
        second = threading.Thread(
            target=lambda: numbered.append(len(clinic.write(NOTE.format("b", 1))))
        )
        second.start()
        second.join(0.5)
        assert second.is_alive(), "the second must wait for the first one's version"
        first.commit()
        second.join()
    assert [("1", 2), ("2", 2), ("3", 2), ("1", 3)] == [
        (key, sequence) for key, sequence, _ in sorted(clinic.rows(), key=lambda row: row[1])
    ]


@pytest.mark.parametrize("clinic", SQL, indirect=True)
@pytest.mark.parametrize("fails", ["before", "after"])
def test_a_relay_that_ends_anywhere_loses_nothing(clinic: Captured, fails: str) -> None:
    """Whether the queue had the batch or not: every last version arrives in the end."""
    for n in range(4):
        clinic.write(NOTE.format(n, 1), NOTE.format(n, 2))
    received = Receiver()
    received.fails = fails
    with pytest.raises(UnavailableError):
        relay_of(clinic.engine, received, batch=5).publish()
    assert 8 == len(clinic.rows())
    received.fails = ""
    assert 8 == relay_of(clinic.engine, received, batch=5).drain()
    assert {("1", 5), ("2", 5)} <= set(received.events)
    assert [] == clinic.rows()


@pytest.mark.parametrize("clinic", SQL, indirect=True)
def test_a_removal_that_fails_keeps_the_rows(clinic: Captured) -> None:
    """When the database is gone after publishing, the same events come again."""
    clinic.write(NOTE.format("b", 1))
    received = Receiver()
    relay = relay_of(clinic.engine, received)

    def refuse(_c: object, _cursor: DBAPICursor, statement: str, *_: object) -> None:
        if statement.startswith("DELETE"):
            message = "gone"
            raise sa.exc.OperationalError(statement, None, Exception(message))

    sa.event.listen(clinic.engine, "before_cursor_execute", refuse)
    with pytest.raises(UnavailableError):
        relay.drain()
    sa.event.remove(clinic.engine, "before_cursor_execute", refuse)
    assert 1 == relay.drain()
    assert [("1", 2), ("1", 2)] == received.events


@pytest.mark.parametrize("clinic", SQL, indirect=True)
def test_two_relays_at_once_only_repeat(clinic: Captured) -> None:
    """Both read the same rows; what one has removed the other removes without harm."""
    clinic.write(NOTE.format("b", 1))
    outer, inner = Receiver(), Receiver()

    def meanwhile(events: Sequence[ChangeEvent]) -> None:
        outer(events)
        assert 1 == relay_of(clinic.engine, inner).drain()
        clinic.write(NOTE.format("c", 1))

    assert 1 == relay_of(clinic.engine, meanwhile).publish()
    assert [("1", 2)] == outer.events == inner.events
    assert [("1", 3, "upsert")] == clinic.rows()


@pytest.mark.parametrize("clinic", SQL, indirect=True)
def test_lag_is_depth_and_age(clinic: Captured) -> None:
    """Lag counts what waits and the oldest one's age by the database's clock."""
    assert (0, 0.0) == _lag(clinic)
    clinic.write(NOTE.format("b", 1), NOTE.format("b", 2))
    with clinic.engine.begin() as connection:
        older = OUTBOX.update().where(OUTBOX.c.record_key == "1")
        connection.execute(older.values(captured_at=OUTBOX.c.captured_at - 60_000))
    depth, age = _lag(clinic)
    assert 2 == depth
    assert 60 <= age < 90


@pytest.mark.parametrize("clinic", SQL, indirect=True)
def test_a_missing_outbox_is_told(clinic: Captured) -> None:
    """Without capture there is nothing to relay, and the reason says what to do."""
    clinic.capture.execute(clinic.capture.removal(["visits"], drop_tables=True))
    with pytest.raises(ConfigurationError, match="install capture first"):
        relay_of(clinic.engine, _forget).drain()


def _lag(clinic: Captured) -> tuple[int, Any]:
    lag = clinic.outbox.lag()
    return lag.depth, lag.age_s


@pytest.mark.parametrize("clinic", ["mariadb"], indirect=True)
def test_a_new_record_waits_for_the_joined_row_that_it_points_at(clinic: Captured) -> None:
    """On MariaDB a record cannot appear unseen beside a change of the row that it joins."""
    with clinic.engine.connect() as first:
        first.exec_driver_sql(NAME.format("cy").replace("USER", "user"))
        added = "INSERT INTO visit (id, kind, provider) VALUES (4, 'home', 10)"
        second = threading.Thread(target=clinic.write, args=(added,))
        second.start()
        second.join(0.5)
        assert second.is_alive(), "the record must not commit before the change it would miss"
        first.commit()
        second.join()
    assert {"1", "2", "3", "4"} == {key for key, _, _ in clinic.rows()}
