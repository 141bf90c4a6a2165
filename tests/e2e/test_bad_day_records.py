"""Bad days of records: poison, a changed schema, a changed key, a full queue, old events."""

from collections.abc import Iterator

import pytest

from medplum_migration.phases.quarantine import GAVE_UP
from sandbox.demo.stage import Stage
from tests.e2e.bad_days import Clinic, clinic_of, shuffled, thin
from tests.e2e.bundle import ELEMENT, wait_until

pytestmark = pytest.mark.e2e

_SET_SEX = "UPDATE patient_data SET sex = :sex WHERE pid = :key"
_RENAME = "ALTER TABLE patient_data RENAME COLUMN {} TO {}"
_NEW_KEY = 777_777
_MARK = "Quibblefax"


@pytest.fixture(scope="module")
def site(deployed: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """Deploy a stack with scaled times, and a clinic of its own."""
    with clinic_of(deployed, tmp_path_factory.mktemp("bad")) as made:
        yield made


@pytest.fixture
def clinic(stage: Stage, site: Clinic) -> Iterator[Clinic]:
    """Give the clinic, with nothing in Medplum and every change on its way there."""
    del stage
    site.begin()
    yield site
    site.execute("UPDATE patient_data SET sex = 'Female' WHERE sex = 'Herr'")
    site.execute("UPDATE patient_data SET lname = 'Moss' WHERE lname = :name", name=_MARK)


@pytest.mark.parametrize("how", ["events", "backfill"])
def test_poison_records(how: str, clinic: Clinic) -> None:
    """Each is held back for its own reason and delays no other; mended, it closes itself."""
    unmapped, refused, *others = clinic.patients()
    clinic.execute(_SET_SEX, sex="Herr", key=unmapped)
    clinic.execute(
        "UPDATE patient_data SET lname = :name WHERE pid = :key", name=_MARK, key=refused
    )
    clinic.bundle.medplum.fault(status=422, times=0, matchBody=_MARK)
    if how == "backfill":
        with clinic.copying():
            clinic.bundle.send(clinic.change(others[:20]))
        clinic.bundle.wait_until_idle()
    else:
        clinic.calm()
    clinic.assert_closed({unmapped: "Mapping", refused: "Refused"})

    clinic.heal()
    clinic.execute(_SET_SEX, sex="Female", key=unmapped)
    clinic.bundle.send(clinic.events([unmapped, refused]))
    clinic.bundle.wait_until_idle()
    clinic.assert_closed()


def test_a_record_that_breaks_its_request(clinic: Clinic) -> None:
    """A create that Medplum answers 500 for goes to quarantine after its deliveries, alone."""
    poison, *others = clinic.patients()
    clinic.execute("UPDATE patient_data SET lname = :name WHERE pid = :key", name=_MARK, key=poison)
    clinic.bundle.medplum.fault(status=500, times=0, matchBody=_MARK)
    with clinic.tries(4):
        clinic.bundle.send([*clinic.events([poison]), *clinic.change(others)])
        wait_until(lambda: poison in clinic.held_back())
        clinic.bundle.wait_until_idle()
    assert {poison: GAVE_UP} == clinic.held_back()

    clinic.heal()
    entries = list(clinic.bundle.wired.quarantine.entries(ELEMENT))
    clinic.bundle.wired.steer_quarantine.replay(entries)
    clinic.bundle.send(clinic.everything())
    clinic.bundle.wait_until_idle()
    clinic.assert_closed()


def test_the_schema_changes(clinic: Clinic) -> None:
    """A column that is gone holds its element back, and no other; nothing is acknowledged."""
    clinic.execute("ALTER TABLE patient_data ADD COLUMN shoe_size INTEGER")
    clinic.calm()
    changed = clinic.change(clinic.patients()[:40], times=2)
    clinic.execute(_RENAME.format("postal_code", "zip"))
    staff = clinic.events(clinic.keys("practitioners"), element="practitioners")
    before = clinic.bundle.medplum.stats()["createdVersions"]
    clinic.execute("UPDATE users SET lname = 'Moss' WHERE id = 1")
    staff = clinic.events(["1"], element="practitioners")
    clinic.bundle.send([*changed, *staff])
    wait_until(lambda: clinic.bundle.medplum.stats()["createdVersions"] == before + 1)
    wait_until(lambda: clinic.bundle.messages("EventsQueueUrl") == len(changed))
    held = clinic.held_back()
    clinic.execute(_RENAME.format("zip", "postal_code"))
    clinic.bundle.wait_until_idle()

    assert {} == held
    clinic.assert_closed()


def test_a_key_changes(clinic: Clinic) -> None:
    """The old key becomes a tombstone and the new one a resource, whichever event comes first."""
    clinic.calm()
    old, *_ = clinic.patients()
    clinic.execute("UPDATE patient_data SET pid = :new WHERE pid = :old", new=_NEW_KEY, old=old)
    clinic.bundle.send(clinic.events([str(_NEW_KEY), old]))
    clinic.bundle.wait_until_idle()
    fhir, mapping = clinic.bundle.wired.fhir, clinic.bundle.wired.elements[ELEMENT]
    active = {
        name: resource.get("active")
        for name in (old, str(_NEW_KEY))
        for resource in fhir.find(mapping.resource, list(mapping.identifiers(name)))
    }

    assert active[old] is False
    assert active[str(_NEW_KEY)] is not False
    clinic.assert_closed()


def test_a_hundred_thousand_events_wait(clinic: Clinic) -> None:
    """A queue that filled while nothing was taken from it is emptied, and no event is given up.

    100,000 events are 100 batches of 100 for each of 10 functions. The emulator's batches have at
    most 10 messages: 2,000 events are 100 batches for each of 2.
    """
    keys = clinic.patients()
    turns = 2000 // len(keys) + 1
    with clinic.closed_gate():
        clinic.bundle.send(clinic.everything())
        events = clinic.change(keys, times=turns, images=True)
        clinic.bundle.send(events[::2] + thin(events[1::2]))
    clinic.bundle.wait_until_idle()

    assert len(events) >= 2000
    clinic.assert_closed()


def test_old_events_come_again(clinic: Clinic) -> None:
    """Two weeks of events, old images among them, change nothing once the newest is there."""
    keys = clinic.patients()
    old = clinic.change(keys, times=3, images=True)
    gone = keys[-3:]
    for key in gone:
        clinic.execute("DELETE FROM patient_data WHERE pid = :key", key=key)
    clinic.calm()
    before = clinic.bundle.medplum.stats()["createdVersions"]
    clinic.bundle.send(shuffled([*old, *thin(old)]))
    clinic.bundle.wait_until_idle()

    assert before == clinic.bundle.medplum.stats()["createdVersions"]
    clinic.assert_closed()


def test_given_up_events_are_replayed_after_two_weeks(clinic: Clinic) -> None:
    """What an outage outlived is replayed from the rows of today, deleted ones among them."""
    keys = clinic.patients()
    clinic.bundle.medplum.fault(status=503, times=0, match="^/")
    with clinic.tries(2):
        clinic.bundle.send(clinic.change(keys[:20], images=True))
        wait_until(lambda: len(clinic.held_back()) == 20)
    clinic.heal()
    assert {GAVE_UP} == set(clinic.held_back().values())
    clinic.change(keys[:10], seed=2)
    clinic.execute("DELETE FROM patient_data WHERE pid = :key", key=keys[0])
    entries = list(clinic.bundle.wired.quarantine.entries(ELEMENT))
    clinic.bundle.wired.steer_quarantine.replay(entries)
    clinic.calm()

    clinic.assert_closed()
