"""What capture adds to a legacy write: the same writes with and without triggers, alternating.

`python -m tests.benchmarks.bench_capture [DSN]` makes tables of its own in that database (a SQLite
file without DSN) and drops them. A round is the same writes, each in a transaction of its own, on
two equal tables: one captured with a joined table, one not. Which of them comes first changes from
round to round. It prints the median time of a write, and the median and spread of the ratios of
the rounds.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median, quantiles

import sqlalchemy as sa

from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.capture_tables import OUTBOX
from medplum_migration.adapters.sql_capture import SqlCapture
from medplum_migration.mapping.source import Join, Source

_ROUNDS, _WRITES, _ROWS, _PLACES = 30, 50, 10_000, 100
_PLAIN, _CAPTURED = "bench_plain", "bench_captured"
_TABLES = sa.MetaData()


def _table(name: str) -> sa.Table:
    return sa.Table(
        name,
        _TABLES,
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer(), index=True),
        *(sa.Column(f"text_{n}", sa.String(40)) for n in range(20)),
    )


_BASES = {name: _table(name) for name in (_PLAIN, _CAPTURED)}
_JOINED = {
    name: sa.Table(
        f"{name}_place",
        _TABLES,
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(40)),
    )
    for name in (_PLAIN, _CAPTURED)
}
_SOURCE = Source(
    _CAPTURED,
    ("id",),
    joins=(Join(f"{_CAPTURED}_place", on={"id": "place"}, columns={"place_name": "name"}),),
)


def main(arguments: Sequence[str]) -> None:
    """Measure each kind of write."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        engine = snapshot_engine(arguments[0] if arguments else f"sqlite:///{folder}/bench.db")
        stack.callback(engine.dispose)
        stack.enter_context(_tables(engine))
        kinds = {
            "insert": _insert,
            "update": _update,
            "delete": _delete,
            f"update of a joined row ({_ROWS // _PLACES} records each)": _update_joined,
        }
        _print(f"{engine.dialect.name}, {_ROUNDS} rounds of {_WRITES} writes")
        for name, write in kinds.items():
            _print(f"{name}: {_compare(partial(_timed, engine, write))}")


def _compare(measure: Callable[[str, int], float]) -> str:
    pairs = []
    for turn in range(_ROUNDS):
        order = (_PLAIN, _CAPTURED) if turn % 2 else (_CAPTURED, _PLAIN)
        took = {name: measure(name, turn) for name in order}
        pairs.append((took[_PLAIN], took[_CAPTURED]))
    ratios = [with_capture / without for without, with_capture in pairs]
    low, _, high = quantiles(ratios, n=4)
    without, with_capture = (median(side) * 1000 for side in zip(*pairs, strict=True))
    times = f"{without:.3f} ms without, {with_capture:.3f} ms with capture"
    return (
        f"{times}; ratio {median(ratios):.2f}, half of the rounds between {low:.2f} and {high:.2f}"
    )


def _timed(
    engine: sa.Engine, write: Callable[[str, int], sa.Executable], name: str, turn: int
) -> float:
    """Give the seconds that a write takes on average."""
    begin = time.perf_counter()
    for number in range(turn * _WRITES, (turn + 1) * _WRITES):
        with engine.begin() as connection:
            connection.execute(write(name, number))
    return (time.perf_counter() - begin) / _WRITES


def _insert(name: str, number: int) -> sa.Executable:
    return _BASES[name].insert().values(_row(_ROWS + number))


def _update(name: str, number: int) -> sa.Executable:
    table = _BASES[name]
    changed = table.update().where(table.c.id == number % _ROWS)
    return changed.values(text_3=f"changed {number}")


def _delete(name: str, number: int) -> sa.Executable:
    table = _BASES[name]
    return table.delete().where(table.c.id == _ROWS + number)


def _update_joined(name: str, number: int) -> sa.Executable:
    table = _JOINED[name]
    return table.update().where(table.c.id == number % _PLACES).values(name=f"changed {number}")


def _row(number: int) -> dict[str, object]:
    texts = {f"text_{n}": f"some text of {number}" for n in range(20)}
    return {"id": number, "place": number % _PLACES, **texts}


@contextmanager
def _tables(engine: sa.Engine) -> Iterator[None]:
    """Make and fill the tables, capture one of them; drop all at the end."""
    if sa.inspect(engine).has_table(OUTBOX.name):
        sys.exit("This database has an outbox already: measure on another one.")
    capture = SqlCapture(engine, {_CAPTURED: _SOURCE})
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    _TABLES.create_all(engine, checkfirst=False)
    try:
        with engine.begin() as connection:
            for name in (_PLAIN, _CAPTURED):
                connection.execute(_BASES[name].insert(), [_row(n) for n in range(_ROWS)])
                places = [{"id": n, "name": f"place {n}"} for n in range(_PLACES)]
                connection.execute(_JOINED[name].insert(), places)
        capture.install()
        yield
    finally:
        capture.execute(capture.removal([_CAPTURED], drop_tables=True))
        _TABLES.drop_all(engine)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
