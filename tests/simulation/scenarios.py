"""The bounded worlds: small ones for every run, large ones for `make simulate`."""

from dataclasses import replace

from medplum_migration.simulation.scenario import Budget, Scenario
from tests.simulation.people import FORMS, PEOPLE, VISITS, form, person, visit

LIVE = (person("A"), person("B"), person(None))
FULL = (person("A", "full"), person("B", "full"), person(None))

SMALL: tuple[Scenario, ...] = (
    Scenario(
        name="one write: every fault twice",
        elements=(PEOPLE,),
        commits=(person("A"),),
        budget=Budget(crashes=1, duplicates=1, stale=1, faults=2, outages=1),
    ),
    Scenario(
        name="one row in backfill: every fault twice",
        elements=(PEOPLE,),
        before=(person("old", ""),),
        chunks=True,
        backfillers=1,
        budget=Budget(crashes=1, stale=1, faults=2, outages=1),
    ),
    Scenario(
        name="live writes: a crash and a duplicate",
        elements=(PEOPLE,),
        commits=LIVE,
        dual_writers=2,
        budget=Budget(crashes=1, duplicates=1),
    ),
    Scenario(
        name="full images: stale reads, faults, old events again",
        elements=(PEOPLE,),
        commits=FULL,
        dual_writers=2,
        budget=Budget(stale=1, faults=1, redeliveries=1),
    ),
    Scenario(
        name="deleted and inserted again",
        elements=(PEOPLE,),
        commits=(person("A", "full"), person(None), person("B", "full")),
        dual_writers=2,
        budget=Budget(crashes=1, redeliveries=1),
    ),
    Scenario(
        name="backfill beside live writes: a crash",
        elements=(PEOPLE,),
        before=(person("old", ""),),
        commits=(person("A"), person(None)),
        chunks=True,
        backfillers=1,
        budget=Budget(crashes=1),
    ),
    Scenario(
        name="two backfill workers: leases expire while both go on",
        elements=(PEOPLE,),
        before=(person("old", ""),),
        commits=(person("A"),),
        chunks=True,
        backfillers=2,
        budget=Budget(crashes=1, expiries=1),
    ),
    Scenario(
        name="backfill beside a delete: everything once",
        elements=(PEOPLE,),
        before=(person("old", ""),),
        commits=(person(None),),
        chunks=True,
        backfillers=1,
        budget=Budget(crashes=1, stale=1, faults=1),
    ),
    Scenario(
        name="forms of two parts: a duplicate",
        elements=(FORMS,),
        commits=(form("80", "60"), form("80", None), form(None, "61")),
        dual_writers=2,
        budget=Budget(duplicates=1),
        most=250_000,
    ),
    Scenario(
        name="forms of two parts, full images that share no part: a crash and a duplicate",
        elements=(FORMS,),
        commits=(form("80", None, "full"), form(None, "61", "full")),
        dual_writers=2,
        budget=Budget(crashes=1, duplicates=1),
    ),
    Scenario(
        name="forms in backfill beside live writes: a crash",
        elements=(FORMS,),
        before=(form("80", None, ""),),
        commits=(form(None, "61"),),
        chunks=True,
        backfillers=1,
        budget=Budget(crashes=1),
    ),
    Scenario(
        name="a visit before its person: a crash",
        elements=(PEOPLE, VISITS),
        commits=(visit("x"), person("A")),
        dual_writers=2,
        budget=Budget(crashes=1, duplicates=1),
    ),
    Scenario(
        name="a visit whose person cannot be mapped at first",
        elements=(PEOPLE, VISITS),
        commits=(person("unmappable"), visit("x"), person("B")),
        dual_writers=2,
        budget=Budget(crashes=1),
    ),
    Scenario(
        name="a visit whose person is deleted",
        elements=(PEOPLE, VISITS),
        commits=(person("A"), visit("x"), person(None)),
        dual_writers=2,
        budget=Budget(duplicates=1),
    ),
)

_MORE = Budget(crashes=1, duplicates=1, stale=1, faults=1, outages=1, redeliveries=1)

LARGE: tuple[Scenario, ...] = tuple(
    replace(
        scenario,
        name=f"{scenario.name} (more of everything)",
        budget=scenario.budget._replace(
            **{n: max(getattr(_MORE, n), getattr(scenario.budget, n)) for n in _MORE._fields}
        ),
        most=1_000_000,
    )
    for scenario in SMALL
)
