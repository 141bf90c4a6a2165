"""What each verb prints and writes, where it needs no Medplum."""

import json
from pathlib import Path

import pytest

from medplum_migration.domain.change_event import Operation
from medplum_migration.domain.checkpoint import RunStatus
from medplum_migration.domain.phase import Phase
from medplum_migration.ports.checkpoints import Checkpoints
from medplum_migration.ports.quarantine import Quarantine, QuarantineEntry
from medplum_migration.runtime.registry import elements
from medplum_migration.runtime.settings import read_settings
from medplum_migration.runtime.wiring import Wiring
from tests.unit.medplum_migration.cli.command import run
from tests.world import World

MAPPINGS = elements("data_elements")
GOLDENS = Path(__file__).parents[3] / "unit" / "data_elements" / "goldens"


@pytest.fixture
def wired(tmp_path: Path, world: World) -> Wiring:
    """Look into the state file that the command writes."""
    return Wiring(read_settings(state_path=tmp_path / "state.db"), world.telemetry)


@pytest.fixture
def checkpoints(wired: Wiring) -> Checkpoints:
    """Look at phases, runs and the audit trail."""
    return wired.checkpoints


@pytest.fixture
def quarantine(wired: Wiring) -> Quarantine:
    """Two records in quarantine."""
    for key, path in (("1" * 60, "name[use=official].family"), ("22", "sex")):
        entry = QuarantineEntry(
            element="patients",
            key=key,
            version=1,
            operation=Operation.UPSERT,
            code="Mapping",
            reason="not in the code table",
            path=path,
            quarantined_at=1_750_000_000.0,
        )
        wired.quarantine.put(entry)
    return wired.quarantine


@pytest.fixture
def parents_on() -> None:
    """Turn on what patients refer to."""
    assert 0 == run("phase", "set", "practitioners", "dual_write", "--execute").code


def begin_backfill() -> None:
    """Move the element to its phase, and turn its parents on."""
    assert 0 == run("phase", "set", "practitioners", "dual_write", "--execute").code
    assert 0 == run("phase", "set", "patients", "dual_write", "--execute").code
    assert 0 == run("phase", "set", "patients", "backfill", "--execute").code


@pytest.mark.usefixtures("parents_on")
def test_phase_set_is_a_dry_run(checkpoints: Checkpoints) -> None:
    """Without --execute nothing is written, and that is said."""
    done = run("phase", "set", "patients", "dual_write")

    assert 0 == done.code
    assert done.out == (
        "Dry run: would move patients from off to dual_write. Add --execute to do it.\n"
    )
    assert Phase.OFF is checkpoints.element("patients").phase


@pytest.mark.usefixtures("parents_on")
def test_phase_set_leaves_a_trace(checkpoints: Checkpoints) -> None:
    """Who, when, from and to go into the audit trail."""
    done = run("phase", "set", "patients", "dual_write", "--execute")
    (entry,) = checkpoints.audit("patients")

    assert "patients: off to dual_write\n" == done.out
    assert ("phase.set", "off to dual_write") == (entry.action, entry.detail)
    assert entry.actor


def test_phases_are_not_skipped() -> None:
    """One step ahead at a time."""
    done = run("phase", "set", "patients", "backfill", "--execute")

    assert 3 == done.code
    assert "more than one step ahead" in done.err


def test_parents_are_turned_on_first(checkpoints: Checkpoints) -> None:
    """What an element refers to is named while it is off; records may also be left to wait."""
    refused = run("phase", "set", "appointments", "dual_write", "--execute")
    begin_backfill()
    still = run("phase", "set", "appointments", "dual_write", "--execute")
    forced = run("phase", "set", "appointments", "dual_write", "--without-parents", "--execute")

    assert (3, 3, 0) == (refused.code, still.code, forced.code)
    assert "off=patients practitioners locations)" in refused.err
    assert "off=locations)" in still.err
    assert Phase.DUAL_WRITE is checkpoints.element("appointments").phase


def test_only_turning_on_needs_parents() -> None:
    """An element that is on moves either way, whatever became of its parents."""
    begin_backfill()
    assert 0 == run("phase", "set", "practitioners", "off", "--execute").code

    assert 0 == run("phase", "set", "patients", "dual_write", "--execute").code
    assert 0 == run("phase", "set", "patients", "backfill", "--execute").code
    assert 0 == run("phase", "set", "patients", "off", "--execute").code


def test_phase_show() -> None:
    """For people in load order, and for programs."""
    begin_backfill()
    shown = [line.split() for line in run("phase", "show").out.splitlines()[1:]]
    told = run("phase", "show", "--json").json

    assert {"phase": "backfill", "epoch": 0} == told["patients"]
    assert [[name, state["phase"], "0"] for name, state in told.items()] == shown
    assert shown.index(["practitioners", "dual_write", "0"]) < shown.index(
        ["patients", "backfill", "0"]
    )


def test_status_for_programs() -> None:
    """Keys are stable, and all elements are there; one without a run has an empty one."""
    told = run("status", "--json").json

    assert set(MAPPINGS) == set(told)
    assert {"phase": "off", "backfill": {}, "quarantine": 0} == told["patients"]


def test_status_leaves_idle_elements_out() -> None:
    """An element is told when it is on or has left a trace; the others are counted."""
    none = run("status").out
    begin_backfill()
    some = run("status").out.splitlines()
    everything = run("status", "--all").out.splitlines()

    assert f"Idle elements, off and without a trace: {len(MAPPINGS)}; --all shows them\n" == none
    assert ["element", "practitioners", "patients"] == [line.split()[0] for line in some[:-1]]
    assert some[-1].startswith(f"Idle elements, off and without a trace: {len(MAPPINGS) - 2};")
    assert ["element", *MAPPINGS] == [line.split()[0] for line in everything]


@pytest.mark.usefixtures("quarantine")
def test_status_tells_of_quarantine() -> None:
    """An element that is off but has records in quarantine is not idle."""
    lines = run("status").out.splitlines()

    assert ["patients", "off", "-", "-", "-", "-", "2"] == lines[1].split()


@pytest.mark.parametrize(
    "arguments",
    [
        ("backfill", "pause", "patients"),
        ("backfill", "resume", "patients"),
        ("backfill", "restart-chunk", "patients", "0"),
        ("backfill", "work", "patients"),
        ("backfill", "start", "patients"),
    ],
)
def test_backfill_verbs_need_their_moment(arguments: tuple[str, ...]) -> None:
    """Without a run, or outside the phase, the reason is told; without --execute all is dry."""
    dry, wet = run(*arguments), run(*arguments, "--execute")

    assert (0, 3) == (dry.code, wet.code)
    assert dry.out.startswith("Dry run: would ")
    assert "backfill" in wet.err


def test_backfill_pause_and_resume(checkpoints: Checkpoints, wired: Wiring) -> None:
    """A run is paused and resumed by hand, and its progress read by programs."""
    begin_backfill()
    wired.steer_backfill.start("patients", chunk_size=5)
    assert 0 == run("backfill", "pause", "patients", "--execute").code
    paused = checkpoints.run("patients")
    assert 0 == run("backfill", "resume", "patients", "--execute").code
    shown = run("backfill", "status", "patients", "--json").json

    assert paused is not None
    assert RunStatus.PAUSED is paused.status
    assert ("running", 0, None) == (shown["status"], shown["done"], shown["eta_seconds"])
    assert "patients: no backfill yet" not in run("backfill", "status", "patients").out


def test_backfill_status_before_the_first() -> None:
    """No run is no error."""
    assert (0, "patients: no backfill yet\n") == (
        run("backfill", "status", "patients").code,
        run("backfill", "status", "patients").out,
    )


def test_backfill_work_is_for_local_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployed stack's functions do the work."""
    monkeypatch.delenv("MEDPLUM_MIGRATE_LOCAL")
    done = run("backfill", "work", "patients", "--execute")

    assert 3 == done.code
    assert "needs --local" in done.err


@pytest.mark.usefixtures("quarantine")
def test_quarantine_list_cuts_nothing_off() -> None:
    """In a pipe each entry is one line, however long its key."""
    lines = run("quarantine", "list", "patients").out.splitlines()

    assert 3 == len(lines)
    assert lines[1].startswith("1" * 60 + "  ")
    assert lines[1].endswith("Mapping, name[use=official].family: not in the code table")


@pytest.mark.usefixtures("quarantine")
def test_quarantine_list_folds_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns long keys are folded, not cut off."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    done = run("quarantine", "list", "patients")

    assert "…" not in done.out
    assert max(len(line) for line in done.out.splitlines() if "\x1b" not in line) <= 80
    assert 60 == sum(line.split("  ")[0].count("1") for line in done.out.splitlines()[1:-1])


@pytest.mark.usefixtures("quarantine")
def test_quarantine_by_code() -> None:
    """Entries are chosen by code, for people and programs."""
    assert ["1" * 60, "22"] == [
        e["key"] for e in run("quarantine", "list", "patients", "--json").json
    ]
    assert [] == run("quarantine", "list", "patients", "--code", "Refused", "--json").json
    assert "sex" == run("quarantine", "show", "patients", "22").json["path"]


@pytest.mark.usefixtures("quarantine")
def test_quarantine_by_cause(quarantine: Quarantine) -> None:
    """The most frequent cause comes first; nothing names a record."""
    entry = quarantine.get("patients", "22")
    assert entry is not None
    quarantine.put(entry.model_copy(update={"key": "23"}))
    lines = run("quarantine", "list", "patients", "--causes").out.splitlines()
    told = run("quarantine", "list", "patients", "--causes", "--json").json

    assert ["records", "code", "path", "reason"] == lines[0].split()
    assert [(2, "sex"), (1, "name[use=official].family")] == [
        (cause["records"], cause["path"]) for cause in told
    ]
    assert "22" not in "".join(lines)


def test_quarantine_discard(quarantine: Quarantine, checkpoints: Checkpoints) -> None:
    """A discarded entry is gone, and the reason is kept."""
    arguments = ("quarantine", "discard", "patients", "22", "--reason", "duplicate card")
    dry = run(*arguments)
    assert quarantine.get("patients", "22")
    done = run(*arguments, "--execute")

    assert (0, 0) == (dry.code, done.code)
    assert quarantine.get("patients", "22") is None
    assert "Mapping: duplicate card" == checkpoints.audit("patients")[-1].detail


def test_quarantine_of_an_unknown_record() -> None:
    """A key that is not in quarantine is told."""
    done = run("quarantine", "show", "patients", "77")

    assert 3 == done.code
    assert "not in quarantine" in done.err


@pytest.mark.usefixtures("quarantine")
def test_replay_needs_a_phase_that_writes() -> None:
    """Events are ignored while an element is off: a replay would do nothing, and says so."""
    done = run("quarantine", "replay", "patients", "--execute")

    assert 3 == done.code
    assert "nothing is written to Medplum in phase off" in done.err


@pytest.mark.usefixtures("quarantine", "clinic")
def test_replay_tells_that_medplum_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries stay in quarantine when they cannot be applied now."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    begin_backfill()
    done = run("quarantine", "replay", "patients", "22", "--execute")

    assert 4 == done.code
    assert "1 x deferred: Medplum did not answer" in done.err
    assert "22" in run("quarantine", "list", "patients").out


def test_map_fills_blanks() -> None:
    """With --blank a few columns are enough to try a mapping."""
    done = run("map", "patients", "--blank", stdin='{"pid": 7, "lname": "Zoë"}')

    assert 0 == done.code
    assert "Zoë" == done.json["name"][0]["family"]


@pytest.mark.usefixtures("clinic")
def test_map_reads_the_legacy_store() -> None:
    """With --key the record comes from the legacy store."""
    assert "Patient" == run("map", "patients", "--key", "1").json["resourceType"]
    assert 3 == run("map", "patients", "--key", "nobody").code


def test_map_takes_a_file(tmp_path: Path) -> None:
    """A file with one row; what is no JSON object is told without its content."""
    source = tmp_path / "row.json"
    source.write_text(json.dumps({"pid": 7}))
    other = tmp_path / "rows.json"
    other.write_text("[1]")

    assert 0 == run("map", "patients", str(source), "--blank").code
    assert 3 == run("map", "patients", str(other)).code
    assert 3 == run("map", "patients", str(tmp_path / "none.json")).code
    assert 3 == run("map", "patients", stdin="{").code


def test_map_names_the_column() -> None:
    """What cannot be mapped is told by column, and not quoted."""
    done = run("map", "patients", "--blank", stdin='{"pid": 7, "sex": "X-unknown"}')

    assert 5 == done.code
    assert "path=sex" in done.err
    assert "X-unknown" not in done.err + done.out


def test_check_without_a_store() -> None:
    """The laws hold for what is shipped, and golden rows are compared."""
    done = run("check", "--examples", "10", "--goldens", str(GOLDENS))

    assert 0 == done.code
    assert "laws: hold on 10 made-up rows; golden rows match" in done.out


def test_check_says_when_hypothesis_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laws need a development dependency; without it the rest is checked."""
    monkeypatch.setattr("medplum_migration.cli.laws.find_spec", lambda _: None)
    done = run("check", "patients")

    assert 0 == done.code
    assert "not checked, they need the package hypothesis" in done.out


@pytest.mark.usefixtures("clinic")
def test_check_finds_what_a_sample_shows() -> None:
    """1: findings are counted by kind, without a value; programs get them too."""
    done = run("check", "patients", "--examples", "0", "--sample", "20")
    told = run("check", "patients", "--examples", "0", "--sample", "20", "--json")

    assert (1, 1) == (done.code, told.code)
    assert "x column sex: not in the code table" in done.out
    assert told.json["patients"]["findings"]


def test_check_finds_a_golden_row_that_differs(tmp_path: Path) -> None:
    """1: an unsigned golden row is a finding, one that cannot be read as well."""
    folder = tmp_path / "goldens" / "patients"
    folder.mkdir(parents=True)
    (folder / "case.legacy.json").write_text("{}")
    unsigned = run("check", "--examples", "0", "--goldens", str(tmp_path / "goldens"))
    (folder / "case.legacy.json").write_text("{")
    unread = run("check", "--examples", "0", "--goldens", str(tmp_path / "goldens"))

    assert (1, 1) == (unsigned.code, unread.code)
    assert "is not signed" in unsigned.out
    assert "cannot be read" in unread.out
