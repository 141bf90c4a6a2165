"""The built functions under Lambda's runtime client: nothing is missing, answers are sound."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.rie import Runtime, runtime
from sandbox.aws.tools import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("runtime_client", "artefact")]

_NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}
_FIRST_FAILED = {"batchItemFailures": [{"itemIdentifier": "0a1b2c3d-0000-4000-8000-000000000001"}]}
# With no element in any phase: changes are acknowledged, there is nothing to schedule, and a task
# names a chunk that nobody planned.
_ANSWERS = {
    "dual_write.thin": _NOTHING_FAILED,
    "dual_write.full_image": _NOTHING_FAILED,
    "dual_write.delete": _NOTHING_FAILED,
    "dual_write.debezium_postgresql": _NOTHING_FAILED,
    "dual_write.debezium_mysql": _NOTHING_FAILED,
    "dual_write.dms": _NOTHING_FAILED,
    "dual_write.unreadable": _FIRST_FAILED,
    "schedule_work.tick": {"tasks": 0},
    "backfill.task": _FIRST_FAILED,
    "quarantine.event": _NOTHING_FAILED,
    "quarantine.task": _NOTHING_FAILED,
}


def test_every_event_has_an_answer() -> None:
    """An event without an expectation would not be tried."""
    assert set(_ANSWERS) == {path.stem for path in (ROOT / "tests" / "events").glob("*.json")}


@pytest.mark.parametrize("name", _ANSWERS)
def test_a_function_answers_its_event(name: str, invoke: Callable[[str, Any], Any]) -> None:
    """The function starts with only its layers on the path and answers as its trigger expects."""
    folder = name.split(".", maxsplit=1)[0]
    function = "".join(word.capitalize() for word in folder.split("_")) + "Function"
    event = json.loads((ROOT / "tests" / "events" / f"{name}.json").read_text())

    assert _ANSWERS[name] == invoke(function, event)


@pytest.fixture(scope="module")
def invoke(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, Any], Any]]:
    """Invoke a function; each is started once."""
    started: dict[str, Runtime] = {}
    with ExitStack() as stack:

        def _invoke(function: str, event: Any) -> Any:
            if function not in started:
                folder = tmp_path_factory.mktemp(function)
                running = runtime(function, _settings(folder), folder / "rie.log")
                started[function] = stack.enter_context(running)
            return started[function].invoke(event)

        yield _invoke


def _settings(folder: Path) -> dict[str, str]:
    """No AWS: control data in a file, secrets in the environment, nobody at the other end."""
    return {
        "STATE_PATH": str(folder / "state.db"),
        "MEDPLUM_BASE_URL": "http://127.0.0.1:9/",
        "MEDPLUM_CLIENT_ID": "made-up",
        "MEDPLUM_CLIENT_SECRET": "made-up",
        "LEGACY_DSN": f"sqlite:///{folder / 'legacy.db'}",
        "HASH_KEY": "made-up",
    }
