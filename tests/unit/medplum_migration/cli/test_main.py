"""The command's frame: exit codes, one line of reason, the next step, never a traceback."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medplum_migration.cli import main as command
from medplum_migration.cli.exit_codes import exit_code, next_step
from medplum_migration.domain import errors
from medplum_migration.runtime import wiring
from tests.unit.medplum_migration.cli.command import run

PAGE = Path(__file__).parents[4] / "docs" / "cli" / "README.md"


def fail(error: BaseException) -> Callable[..., Any]:
    """Make a function that raises."""

    def failing(*_: object, **__: object) -> None:
        raise error

    return failing


def test_done() -> None:
    """0: the command did what it says."""
    assert 0 == run("status").code


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-verb",),
        ("status", "--no-such-option"),
        ("map",),
        ("phase", "set", "patients", "no_such_phase"),
        ("backfill", "start", "patients", "--limit", "0"),
        ("quarantine", "discard", "patients", "1"),
        (),
    ],
)
def test_usage(arguments: tuple[str, ...]) -> None:
    """2: the arguments are wrong; what is right is shown."""
    done = run(*arguments)

    assert 2 == done.code
    assert "Usage" in done.err + done.out


def test_a_missing_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """3: the variable is named, and where it is explained."""
    monkeypatch.delenv("LEGACY_DSN")
    done = run("check", "--sample", "1", "--examples", "0")

    assert (3, "") == (done.code, done.out)
    assert (
        "Configuration: a setting is missing (variable=LEGACY_DSN)\n"
        "Set LEGACY_DSN; docs/settings.md explains it.\n"
    ) == done.err


def test_a_setting_of_the_wrong_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """3: names the variable, not its value."""
    monkeypatch.setenv("PAGE_SIZE", "many")
    done = run("status")

    assert 3 == done.code
    assert "PAGE_SIZE" in done.err
    assert "many" not in done.err


def test_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """3: neither a stack nor a file was chosen."""
    monkeypatch.delenv("MEDPLUM_MIGRATE_LOCAL")
    done = run("status")

    assert 3 == done.code
    assert "--stack NAME or --local FILE" in done.err


def test_two_places() -> None:
    """3: both were chosen."""
    done = run("--stack", "clinic", "status")

    assert (3, "Configuration: choose --stack or --local, not both\n") == (done.code, done.err)


def test_an_unknown_element() -> None:
    """3: those there are, are named."""
    done = run("reconcile", "patience")

    assert 3 == done.code
    assert re.search(r"Choose one of: .*\bpatients\b", done.err)


@pytest.mark.usefixtures("clinic")
def test_a_service_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """4: Medplum does not answer."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    done = run("reconcile", "patients")

    assert 4 == done.code
    assert done.err.startswith("Unavailable: Medplum did not answer (")
    assert "run it again" in done.err


def test_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    """4: somebody else was faster."""
    error = errors.ConflictError("another worker stored this item")
    monkeypatch.setattr(wiring.Wiring, "elements", property(fail(error)))
    done = run("status")

    assert 4 == done.code
    assert "Somebody else changed it" in done.err


def test_a_refusal() -> None:
    """5: trying again changes nothing, a person acts."""
    done = run("map", "patients", stdin='{"pid": 1}')

    assert 5 == done.code
    assert done.err.startswith("Mapping: does not fit the row model: missing")


def test_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """130: Ctrl-C, as every shell knows it."""
    monkeypatch.setattr(wiring.Wiring, "elements", property(fail(KeyboardInterrupt())))

    assert 130 == run("status").code


def test_a_bug_shows_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """70: an exception of ours tells its type and place; its text may quote a patient."""
    monkeypatch.setattr(wiring.Wiring, "elements", property(fail(KeyError("Jane Doe"))))
    done = run("status")

    assert 70 == done.code
    assert done.err.startswith("Bug: KeyError at ")
    assert "Jane" not in done.err
    assert "Traceback" not in done.err


def test_brackets_survive(monkeypatch: pytest.MonkeyPatch) -> None:
    """FHIR paths look like Rich's markup, and are printed as they are."""
    error = errors.MappingError(element="people", path="name[use=official].family", reason="odd")
    monkeypatch.setattr(wiring.Wiring, "elements", property(fail(error)))

    assert "path=name[use=official].family" in run("status").err


@pytest.mark.parametrize(
    ("error", "code", "step"),
    [
        (errors.ConfigurationError("x"), 3, ""),
        (errors.ThrottledError("x", retry_after_s=7), 4, "quota"),
        (errors.UnansweredError("x"), 4, "run it again"),
        (errors.VersionBehindError("x"), 4, "run it again"),
        (errors.InvalidResourceError(path="p", reason="x"), 5, "`map`"),
        (errors.RefusedError("x", status=400), 5, "mapping"),
        (errors.IdentityError("x"), 5, "which resource"),
        (errors.EventError("x"), 5, ""),
    ],
)
def test_who_acts_next(error: errors.MigrationError, code: int, step: str) -> None:
    """Every error has its code, and most a next step."""
    assert code == exit_code(error)
    assert step in next_step(error)


def test_every_exit_code_is_documented() -> None:
    """The page of the command lists each code."""
    page = PAGE.read_text()

    assert [] == [c for c in (0, 1, 2, 3, 4, 5, 70, 130) if f"| {c} |" not in page]
    assert callable(command.main)


def test_as_a_process(tmp_path: Path) -> None:
    """Installed, the command has the same exit codes, and nothing but the result on stdout."""
    script = Path(sys.executable).with_name("medplum-migrate")

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 because the program is ours
            [script, "--local", str(tmp_path / "state.db"), *arguments],
            env={"PATH": os.environ["PATH"], "TERM": "xterm-256color"},
            capture_output=True,
            text=True,
            check=False,
        )

    shown, refused = call("status", "--all"), call("reconcile", "patients")

    assert (0, "") == (shown.returncode, shown.stderr)
    told = [line.split() for line in shown.stdout.splitlines()]
    assert ["patients", "off", "-", "-", "-", "-", "0"] in told
    assert "\x1b" not in shown.stdout
    assert (3, "") == (refused.returncode, refused.stdout)
    assert 2 == len(refused.stderr.splitlines())
