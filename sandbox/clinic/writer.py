"""The clinic at work: a process that keeps changing patients and staff, one at a time.

`python -m sandbox.clinic.writer --dsn FILE_OR_URL --rate 5 --until-stopped` ends at SIGTERM or with
its parent and prints what it did as one line of JSON.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from sandbox.clinic import names
from sandbox.clinic.database import clinic_engine, write_transaction
from sandbox.clinic.lifetime import Lifetime
from sandbox.clinic.people import (
    KNOWN_SEXES,
    ODD_DEATHS,
    ODD_SHARE,
    USER_IDS,
    Row,
    address,
    death,
    people,
    phone,
)
from sandbox.clinic.schema import PATIENT_DATA, USERS, schema

_WEIGHTS = {
    "update": 69,
    "insert": 8,
    "burst": 5,
    "staff": 2,
    "delete": 4,
    "reinsert": 4,
    "fix": 3,
    "die": 2,
    "roll_back": 2,
    "change_key": 1,
}
_REFUSALS_IN_A_ROW = 20


class Writer:
    """Makes changes as a clinic does; the same seed on the same data makes the same changes.

    `done` counts operations by name, and `transactions` that were committed; `refused` counts what
    the database turned down because another writer was in the way.
    """

    def __init__(self, engine: sa.Engine, *, seed: int, odd_share: float = ODD_SHARE) -> None:
        self.done: Counter[str] = Counter()
        self._engine = engine
        self._random = Random(seed)  # noqa: S311 because the same seed must make the same changes
        self._people = people(seed=seed + 1, odd_share=odd_share)
        self._table, self._users = (schema().tables[name] for name in (PATIENT_DATA, USERS))
        self._deleted: list[int] = []
        self._refused_in_a_row = 0
        with engine.connect() as connection:
            self._keys = list(connection.scalars(sa.select(self._pid).order_by(self._pid)))

    def step(self) -> str:
        """Carry out one operation and name it."""
        [name] = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        try:
            getattr(self, f"_{name}")()
        except (IntegrityError, OperationalError):
            self.done["refused"] += 1
            self._refused_in_a_row += 1
            if self._refused_in_a_row >= _REFUSALS_IN_A_ROW:
                raise
        else:
            self.done[name] += 1
            self._refused_in_a_row = 0
        return name

    @property
    def _pid(self) -> sa.Column[Any]:
        return self._table.c.pid

    def _update(self) -> None:
        if self._keys:
            self._change(self._random.choice(self._keys), self._news())

    def _die(self) -> None:
        if self._keys:
            self._change(self._random.choice(self._keys), death(self._random))

    def _burst(self) -> None:
        """Change one record many times; now and then it ends as it began."""
        if self._keys:
            key = self._random.choice(self._keys)
            for _ in range(self._random.randint(5, 20)):
                self._change(key, {"phone_cell": self._random.choice(("", "413-555-0142"))})

    def _insert(self) -> None:
        person = next(self._people)
        with write_transaction(self._engine) as connection:
            # A free number in the middle if there is one, else the next, as OpenEMR counts.
            taken = sa.select(sa.func.count()).where(self._pid == person["pid"])
            if connection.scalar(taken):
                person["pid"] = self._next_pid(connection)
            self._put(connection, person)
        self._committed(born=person["pid"])

    def _delete(self) -> None:
        if self._keys:
            key = self._random.choice(self._keys)
            with write_transaction(self._engine) as connection:
                connection.execute(self._table.delete().where(self._pid == key))
            self._committed(gone=key)
            self._deleted.append(key)

    def _reinsert(self) -> None:
        """Give the number of a deleted record to somebody else."""
        if self._deleted:
            key = self._random.choice(self._deleted)
            with write_transaction(self._engine) as connection:
                self._put(connection, next(self._people) | {"pid": key})
            self._deleted.remove(key)
            self._committed(born=key)

    def _change_key(self) -> None:
        if self._keys:
            key = self._random.choice(self._keys)
            with write_transaction(self._engine) as connection:
                new = self._next_pid(connection)
                moved = self._table.update().where(self._pid == key).values(pid=new)
                found = connection.execute(moved).rowcount
            self._committed(gone=key, born=new if found else None)

    def _fix(self) -> None:
        """Repair a row that is meant to be quarantined, if one is left."""
        columns = self._table.c
        odd = sa.or_(columns.sex.not_in(KNOWN_SEXES), columns.deceased_date.in_(ODD_DEATHS))
        query = sa.select(self._pid, columns.sex).where(odd).order_by(self._pid).limit(1)
        with self._engine.connect() as connection:
            found = connection.execute(query).first()
        if found is not None:
            known = found.sex in KNOWN_SEXES
            self._change(found.pid, death(self._random) if known else {"sex": "UNK"})

    def _staff(self) -> None:
        """Change somebody whom patients may have as provider."""
        with write_transaction(self._engine) as connection:
            whom = self._users.c.id == self._random.choice(USER_IDS)
            news = {"phonew1": phone(self._random), "last_updated": sa.func.current_timestamp()}
            connection.execute(self._users.update().where(whom).values(news))
        self._committed()

    def _roll_back(self) -> None:
        if self._keys:
            key = self._random.choice(self._keys)
            change = self._table.update().where(self._pid == key).values(self._news())
            with write_transaction(self._engine) as connection:
                connection.execute(change)
                connection.rollback()

    def _news(self) -> Row:
        """Make up what changes in a patient's life."""
        random = self._random
        return random.choice(
            (
                address(random),
                {"phone_home": phone(random), "phone_cell": phone(random)},
                {"lname": random.choice(names.FAMILY)},
                {"status": random.choice((*names.STATUSES, "active", "inactive"))},
                {"email": random.choice(("", f"moved{random.randrange(10**6)}@example.org"))},
                {"sex": random.choice(("Male", "Female", ""))},
                {"billing_note": f"called {random.randrange(10**6)} times"},
            )
        )

    def _change(self, key: int, values: Row) -> None:
        stamped = {**values, "last_updated": sa.func.current_timestamp()}
        with write_transaction(self._engine) as connection:
            connection.execute(self._table.update().where(self._pid == key).values(stamped))
        self._committed()

    def _put(self, connection: sa.Connection, person: Row) -> None:
        values: dict[str, Any] = {**person, "last_updated": sa.func.current_timestamp()}
        del values["id"]
        connection.execute(self._table.insert().values(values))

    def _next_pid(self, connection: sa.Connection) -> int:
        return int(connection.scalar(sa.select(sa.func.max(self._pid))) or 0) + 1

    def _committed(self, *, gone: int | None = None, born: int | None = None) -> None:
        self.done["transactions"] += 1
        if gone in self._keys:
            self._keys.remove(gone)
        if born is not None:
            self._keys.append(born)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process."""
    options = _parser().parse_args(arguments)
    lifetime = Lifetime()
    engine = clinic_engine(options.dsn)
    writer = Writer(engine, seed=options.seed, odd_share=options.odd_share)
    steps, wait = 0, 1 / options.rate if options.rate else 0.0
    try:
        while lifetime.lasts() and (options.until_stopped or steps < options.steps):
            writer.step()
            steps += 1
            lifetime.pause(wait)
    finally:
        engine.dispose()
        sys.stdout.write(json.dumps(dict(sorted(writer.done.items()))) + "\n")
        sys.stdout.flush()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox.clinic.writer", description=__doc__)
    parser.add_argument("--dsn", required=True, help="path of a SQLite file, or database URL")
    parser.add_argument("--rate", type=float, default=5.0, help="operations a second; 0: no pause")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--odd-share", type=float, default=ODD_SHARE)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--until-stopped", action="store_true")
    length.add_argument("--steps", type=int, default=0, help="stop after so many operations")
    return parser


if __name__ == "__main__":
    sys.exit(main())
