"""OpenEMR's own data, migrated by the deployed bundle while it changes.

It is treated as patient data: assertions compare in memory and say what differs, never how.
"""

import gzip
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from legacy_store import sources
from legacy_store.connection import snapshot_engine
from medplum_migration.adapters.sql_capture import SqlCapture
from medplum_migration.domain.checkpoint import Balance, Disposition
from medplum_migration.domain.phase import Phase
from medplum_migration.runtime.settings import Settings
from medplum_migration.runtime.stack import stack_settings
from medplum_migration.runtime.wiring import Wiring
from medplum_migration.verification.balance import balance_of
from sandbox.aws.deployment import create_secret, deploy
from sandbox.aws.tools import ROOT
from sandbox.clinic.database import clinic_engine
from sandbox.demo.script import PARAMETERS
from sandbox.demo.stage import Stage
from sandbox.demo.telemetry import Silence
from tests.e2e.bundle import ELEMENT, Bundle, close
from tests.e2e.openemr_counts import counted_in_medplum, counted_in_sql, live, names, references
from tests.required import absent

pytestmark = pytest.mark.e2e

_DATA = ROOT.parent / "shared/legacy/openemr"
_DUMP = _DATA / "openemr-8.2dev.mysql.sql.gz"
_HOST, _PORT = "127.0.0.1", "3306"
_SERVER = f"mysql://root@{_HOST}:{_PORT}/"
_ORIGINAL = 27
_RELAY = [sys.executable, "-m", "medplum_migration.cli", "capture", "relay", "--execute"]
_GENDERS = {"Male": "male", "Female": "female", "UNK": "unknown", "": None}


@pytest.fixture
def openemr() -> Iterator[tuple[str, sa.Engine]]:
    """OpenEMR's database under a name of its own, with capture, and its URL."""
    client = shutil.which("mariadb") or shutil.which("mysql")
    if not _DUMP.exists() or client is None:
        absent("OpenEMR's dump or the mariadb client is not there")
    name = f"medplum_openemr_{uuid4().hex[:12]}"
    server = snapshot_engine(_SERVER)
    try:
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    except sa.exc.OperationalError:
        server.dispose()
        absent("no MariaDB on 127.0.0.1:3306 that lets root in")
    engine = clinic_engine(_SERVER + name)
    try:
        subprocess.run(  # noqa: S603 because the arguments are fixed
            [client, "-h", _HOST, "-P", _PORT, "-u", "root", name],
            input=gzip.decompress(_DUMP.read_bytes()),
            capture_output=True,
            check=True,
        )
        SqlCapture(engine, sources()).install()
        yield _SERVER + name, engine
    finally:
        engine.dispose()
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        server.dispose()


@pytest.fixture
def migrating(stage: Stage, openemr: tuple[str, sa.Engine]) -> Iterator[Bundle]:
    """A stack of its own beside the other, which reads OpenEMR."""
    assert stage.embedded
    stage.embedded.reset()
    stack = f"openemr-{uuid4().hex[:8]}"
    medplum = {"client_id": stage.medplum.client_id, "client_secret": stage.medplum.client_secret}
    outputs = deploy(
        stage.aws,
        {
            **PARAMETERS,
            "MedplumBaseUrl": stage.medplum.base_url,
            "MedplumSecretArn": create_secret(stage.aws, f"medplum-{stack}", medplum),
            "LegacySecretArn": create_secret(stage.aws, f"legacy-{stack}", {"dsn": openemr[0]}),
            "ScheduleState": "DISABLED",
        },
        name=stack,
    )
    wired = Wiring(Settings(**stack_settings(stack)), Silence())
    yield Bundle(stage.aws, stage.embedded, outputs, wired)
    close(wired)


def test_every_element_arrives(migrating: Bundle, openemr: tuple[str, sa.Engine]) -> None:
    """All elements are copied at once, whoever comes first, to the counts that SQL tells."""
    _, engine = openemr
    elements = migrating.wired.elements
    legacy = migrating.wired.legacy
    undecided = {e: sorted(legacy.columns(e) - m.columns) for e, m in elements.items()}
    assert {} == {element: columns for element, columns in undecided.items() if columns}
    migrating.backfill(*elements, chunk_size=10)
    migrating.wait_until_idle()

    held = {element: live(migrating, element) for element in elements}
    assert counted_in_sql(engine) == counted_in_medplum(held)
    for element in elements:
        found = migrating.wired.reconcile(element)()
        assert found.is_equal, f"{element}: both sides differ"
        assert [] == [entry.code for entry in migrating.wired.quarantine.entries(element)]
        eligible = legacy.count(element)
        balance = balance_of(element, migrating.wired.manifest, eligible=eligible)
        assert Balance(eligible=eligible, successful=eligible) == balance
    assert references(held) <= names(held), "a reference leads nowhere"


def test_every_patient_arrives(migrating: Bundle, openemr: tuple[str, sa.Engine]) -> None:
    """All old rows and all live changes arrive, none is quarantined, and both sides are equal."""
    url, engine = openemr
    originals = set(_column(engine, "SELECT pid FROM patient_data"))
    migrating.backfill("practitioners")
    migrating.set_phase(Phase.DUAL_WRITE)
    with _relay(url, migrating):
        _change(engine)
        migrating.backfill(chunk_size=5)
        _change(engine)
        deleted, inserted = _delete_and_insert(engine)
        migrating.wait_until_idle()
    _drain(url, migrating)

    keys = originals | {inserted}
    found = migrating.wired.reconcile(ELEMENT)()
    manifest = migrating.wired.manifest
    arrived = {int(entry.key) for entry in manifest.entries(ELEMENT)}
    assert (_ORIGINAL, _ORIGINAL + 1) == (len(originals), len(keys))
    assert keys == arrived, "keys differ"
    assert {Disposition.SUCCESSFUL} == {entry.disposition for entry in manifest.entries(ELEMENT)}
    assert [] == [entry.code for entry in migrating.wired.quarantine.entries(ELEMENT)]
    assert (_ORIGINAL, _ORIGINAL + 1) == (found.records, found.resources)
    assert found.is_equal, "both sides differ"
    balance = balance_of(ELEMENT, manifest, eligible=len(keys))
    assert Balance(eligible=len(keys), successful=len(keys)) == balance
    _compare_with_sql(migrating, engine, deleted)


def _compare_with_sql(bundle: Bundle, engine: sa.Engine, deleted: int) -> None:
    """Compare a few columns by other means than the mapping's own."""
    mapping = bundle.wired.elements[ELEMENT]
    swept = bundle.wired.fhir.sweep(mapping.resource, system=mapping.system)
    resources = [resource for page in swept for resource in page]
    gone = [resource for resource in resources if _key(resource, mapping.system) == deleted]
    live = [resource for resource in resources if resource not in gone]
    assert [False] == [resource["active"] for resource in gone]

    families = Counter(str(n).strip() for n in _column(engine, "SELECT lname FROM patient_data"))
    same = families == Counter(_official(resource).get("family", "") for resource in live)
    assert same, "family names differ"
    query = sa.text("SELECT sex, DOB FROM patient_data")
    with engine.connect() as connection:
        born = Counter(
            (_GENDERS[row.sex], str(row.DOB)) for row in connection.execute(query) if row.DOB
        )
    same = born == Counter(
        (resource.get("gender"), resource["birthDate"])
        for resource in live
        if "birthDate" in resource
    )
    assert same, "birth dates by gender differ"


def _official(resource: dict[str, Any]) -> dict[str, Any]:
    return next((name for name in resource.get("name", ()) if name["use"] == "official"), {})


def _key(resource: dict[str, Any], system: str) -> int:
    [value] = [i["value"] for i in resource["identifier"] if i.get("system") == system]
    return int(value)


def _column(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.text(query)).scalars())


def _change(engine: sa.Engine) -> None:
    """Let the clinic write to every third patient."""
    change = sa.text(
        "UPDATE patient_data SET city = CONCAT(city, 'a'), phone_cell = '413-555-0142'"
        " WHERE MOD(pid, 3) = 0"
    )
    with engine.begin() as connection:
        connection.execute(change)


def _delete_and_insert(engine: sa.Engine) -> tuple[int, int]:
    """Delete the oldest patient and bring in a new one; their keys."""
    with engine.begin() as connection:
        deleted = int(connection.execute(sa.text("SELECT MIN(pid) FROM patient_data")).scalar_one())
        inserted = 1 + int(
            connection.execute(sa.text("SELECT MAX(pid) FROM patient_data")).scalar_one()
        )
        connection.execute(sa.text("DELETE FROM patient_data WHERE pid = :pid"), {"pid": deleted})
        connection.execute(
            sa.text(
                "INSERT INTO patient_data (pid, pubpid, fname, lname, sex, DOB, date)"
                " VALUES (:pid, :pid, 'Ada', 'Newcomer', 'Female', '1990-02-28', NOW())"
            ),
            {"pid": inserted},
        )
    return deleted, inserted


@contextmanager
def _relay(url: str, bundle: Bundle) -> Iterator[None]:
    """Publish what the clinic writes, in a process of its own, as long as the block lasts."""
    command = [*_RELAY, "--until-stopped"]
    with subprocess.Popen(command, cwd=ROOT, env=_environment(url, bundle)) as process:  # noqa: S603 because the arguments are fixed
        try:
            yield
        finally:
            process.terminate()


def _drain(url: str, bundle: Bundle) -> None:
    """Publish what is left, and wait until it has arrived."""
    subprocess.run(_RELAY, cwd=ROOT, env=_environment(url, bundle), check=True)  # noqa: S603 because the arguments are fixed
    bundle.wait_until_idle()


def _environment(url: str, bundle: Bundle) -> dict[str, str]:
    places = {"LEGACY_DSN": url, "EVENTS_QUEUE_URL": bundle.outputs["EventsQueueUrl"]}
    return {**os.environ, **places}
