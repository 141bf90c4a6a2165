"""Bad days of Medplum: down, throttled, slow, and silent after it has committed."""

import time
from collections.abc import Iterator

import pytest

from sandbox.demo.stage import Stage
from tests.e2e.bad_days import OUTAGE_S, PATIENTS, QUOTA, Clinic, clinic_of

pytestmark = pytest.mark.e2e

_STAFF = 8
_LATE_MS = 150
_SILENT_MS = 20_000


@pytest.fixture(scope="module")
def site(deployed: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """Deploy a stack with scaled times, and a clinic of its own."""
    with clinic_of(deployed, tmp_path_factory.mktemp("bad")) as made:
        yield made


@pytest.fixture
def clinic(stage: Stage, site: Clinic) -> Clinic:
    """Give the clinic, with nothing in Medplum and every change on its way there."""
    del stage
    site.begin()
    return site


def test_down_for_an_hour(clinic: Clinic) -> None:
    """A backfill and live changes wait for Medplum, and need nobody once it is back."""
    medplum = clinic.bundle.medplum
    with clinic.copying():
        medplum.fault(cut=True, times=0, match="^/")
        started = time.monotonic()
        clinic.bundle.send(clinic.change(clinic.patients()[:80], times=2))
        time.sleep(OUTAGE_S / 2)
        medplum.heal()
        medplum.fault(status=503, times=0, match="^/")
        time.sleep(max(OUTAGE_S - (time.monotonic() - started), 0))
        clinic.heal()
    clinic.bundle.wait_until_idle()

    assert {"cut", "503"} <= medplum.stats()["requests"]["byStatus"].keys()
    clinic.assert_closed()


def test_throttled_to_a_tenth(clinic: Clinic) -> None:
    """What would fit into one window takes ten, and nothing is given up for it."""
    clinic.bundle.medplum.limit(**QUOTA)
    with clinic.copying():
        clinic.bundle.send(clinic.change(clinic.patients()[:40]))
    clinic.bundle.wait_until_idle()
    stats = clinic.bundle.medplum.stats()
    clinic.heal()

    assert 0 < stats["throttled429"]
    assert 10 * QUOTA["quota"] < stats["quota"]["total"]
    clinic.assert_closed()


def test_slow(clinic: Clinic) -> None:
    """Answers ten times as late, and some later than a function lives, only take longer."""
    medplum = clinic.bundle.medplum
    medplum.limit(latencyMs=_LATE_MS)
    medplum.fault(delayMs=_SILENT_MS, method="POST", every=40, times=3)
    with clinic.copying():
        clinic.bundle.send(clinic.change(clinic.patients()[:40]))
    clinic.bundle.wait_until_idle()
    clinic.heal()

    assert {"Patient": PATIENTS, "Practitioner": _STAFF} == medplum.stats()["resources"]
    clinic.assert_closed()


def test_committed_and_cut(clinic: Clinic) -> None:
    """Every third write is stored without an answer, and none is stored twice."""
    medplum = clinic.bundle.medplum
    medplum.fault(after=True, every=3, times=0, matchBody="urn:legacy:")
    with clinic.copying():
        clinic.bundle.send(clinic.change(clinic.patients()[:40]))
    clinic.bundle.wait_until_idle()
    clinic.bundle.send(clinic.change(clinic.patients(), times=2, images=True))
    clinic.bundle.wait_until_idle()
    clinic.heal()

    assert 20 < medplum.stats()["requests"]["byStatus"]["cut"]
    assert {"Patient": PATIENTS, "Practitioner": _STAFF} == medplum.stats()["resources"]
    clinic.assert_closed()
