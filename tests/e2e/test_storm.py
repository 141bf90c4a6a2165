"""A storm of writes on one record and the pull of its parent, through the deployed functions."""

import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.difference import Finding
from medplum_migration.domain.phase import Phase
from sandbox.clinic.database import clinic_engine
from sandbox.demo.stage import ELEMENTS, Stage
from tests.e2e.bundle import ELEMENT, Bundle

pytestmark = pytest.mark.e2e

_UPDATES = 1000
_PATIENT_AND_PROVIDER = {"Patient": 1, "Practitioner": 1}
_CHANGE = sa.text("UPDATE patient_data SET postal_code = :code WHERE pid = :key")
_SOMEBODY = sa.text("SELECT MIN(pid) FROM patient_data JOIN users ON users.id = providerID")


@pytest.fixture
def storm(stage: Stage) -> Iterator[list[ChangeEvent]]:
    """One record's updates, all committed, as full-image events in the order of their versions."""
    engine = clinic_engine(stage.clinic)
    events: list[ChangeEvent] = []
    with engine.connect() as connection:
        key = str(connection.scalar(_SOMEBODY))
    for number in range(_UPDATES):
        with engine.begin() as connection:
            connection.execute(_CHANGE, {"key": key, "code": f"{number:05}"})
        [record] = stage.wired.legacy.read(ELEMENT, [key])
        assert record.row is not None
        events.append(
            ChangeEvent(
                element=ELEMENT,
                key=key,
                version=record.version,
                operation=Operation.UPSERT,
                image=dict(record.row),
            )
        )
    yield events
    engine.dispose()


def test_thin_events_write_once(bundle: Bundle, storm: list[ChangeEvent]) -> None:
    """Whichever event comes first reads the newest row; all the others find its version there."""
    _turn_on(bundle)
    thin = [event.model_copy(update={"image": None}) for event in storm]

    bundle.send(_shuffled(thin * 2))
    bundle.wait_until_idle()

    assert [Finding.MATCH] == _compared(bundle, storm[-1])
    assert (_PATIENT_AND_PROVIDER, 2) == _stored(bundle)


def test_full_images_write_at_most_once_a_batch(bundle: Bundle, storm: list[ChangeEvent]) -> None:
    """The newest image wins whenever it comes; older ones are written only before it."""
    _turn_on(bundle)
    before = bundle.invocations("DualWrite")

    bundle.send(_shuffled(storm))
    bundle.wait_until_idle()
    resources, versions = _stored(bundle)

    assert [Finding.MATCH] == _compared(bundle, storm[-1])
    assert _PATIENT_AND_PROVIDER == resources
    assert 2 <= versions <= 1 + bundle.invocations("DualWrite") - before


def _turn_on(bundle: Bundle) -> None:
    """Let the patient's changes bring its provider, who has none of its own."""
    for element in ELEMENTS:
        bundle.set_phase(Phase.DUAL_WRITE, element)


def _shuffled(events: list[ChangeEvent]) -> list[ChangeEvent]:
    return random.Random(7).sample(events, len(events))


def _stored(bundle: Bundle) -> tuple[dict[str, int], int]:
    """Tell the resources that Medplum holds, and how many versions it has stored."""
    stats = bundle.medplum.stats()
    return stats["resources"], stats["createdVersions"]


def _compared(bundle: Bundle, last: ChangeEvent) -> list[Finding]:
    """Compare the record; a match is the last version with the last version's content."""
    records = bundle.wired.legacy.read(ELEMENT, [last.key])
    assert [last.version] == [record.version for record in records]
    return [found.finding for found in bundle.wired.reconcile(ELEMENT).compare(records)]
