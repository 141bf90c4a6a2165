"""The play: backfill while the clinic writes and workers are killed, then both sides compared."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from sandbox.aws.deployment import STACK
from sandbox.demo.finale import Verdict, drain, judge
from sandbox.demo.saboteur import Saboteur, Ticker
from sandbox.demo.script import CHUNK_SIZE, TICK_S, Script
from sandbox.demo.stage import ELEMENTS, Stage, set_up
from sandbox.demo.view import Camera, watch


class CommandError(Exception):
    """The operator's command failed; what it said was printed."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the command ended with {code}")


def play(script: Script, console: Console) -> Verdict:
    """Run the whole demo; logs stay in the folder that is named at the start."""
    folder = Path(tempfile.mkdtemp(prefix="medplum-migration-demo-"))
    console.print(f"Logs: {folder}", highlight=False)
    with set_up(script, folder, console) as stage, ExitStack() as stack:
        saboteur = Saboteur(stage, script.seed)
        camera = Camera(stage, saboteur)
        stack.enter_context(Ticker(TICK_S, _tick(stage)))
        for element in ELEMENTS:
            _command(console, "phase", "set", element, "dual_write", "--execute")
        writer = stage.start_writer(script)
        stack.callback(_end, writer)
        stack.callback(_end, stage.start_relay())
        size = ["--chunk-size", str(CHUNK_SIZE)]
        for element in ELEMENTS:
            _command(console, "phase", "set", element, "backfill", "--execute")
            _command(console, "backfill", "start", element, *size, "--execute")
        _watch_the_backfill(script, camera, console)
        _end(writer)
        console.print("The clinic has closed; the last events arrive")
        drain(stage, camera, console)
        _command(console, "status")
        verdict = judge(stage, console)
        if script.keep:
            console.print(verdict.line, highlight=False, soft_wrap=True)
            _wait_for_the_audience(stage, console)
        return verdict


def _watch_the_backfill(script: Script, camera: Camera, console: Console) -> None:
    """Show it, and kill functions: every so often, or once in the middle."""
    saboteur = camera.saboteur
    if script.kill_every:
        with Ticker(script.kill_every, saboteur.kill_one):
            watch(camera, console, lambda seen: seen.is_over)
    else:
        watch(camera, console, lambda seen: seen.is_over or seen.done > script.patients / 3)
    if not saboteur.killed and saboteur.kill_one():
        console.print("One function was killed in the middle of its work")
        watch(camera, console, lambda seen: seen.is_over)


def _tick(stage: Stage) -> Callable[[], object]:
    """Make what EventBridge does once a minute, to be done more often."""
    client = stage.aws.client("lambda")
    function = stage.outputs["ScheduleWorkFunctionName"]
    return lambda: client.invoke(FunctionName=function, Payload=b"{}")


def _command(console: Console, *arguments: str) -> None:
    """Run the operator's command as an operator does."""
    console.print(f"[bold]$ medplum-migrate {' '.join(arguments)}[/]", highlight=False)
    program = [sys.executable, "-m", "medplum_migration.cli", "--stack", STACK, *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    console.print(done.stdout.rstrip() + done.stderr.rstrip(), highlight=False, soft_wrap=True)
    if done.returncode:
        raise CommandError(done.returncode)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
    process.wait(timeout=60)


def _wait_for_the_audience(stage: Stage, console: Console) -> None:
    medplum = stage.medplum.base_url.rstrip("/")
    console.print(f"Medplum: {medplum}/fhir/R4", highlight=False, soft_wrap=True)
    for name, value in stage.aws.environment().items():
        console.print(f"export {name}={value}", highlight=False)
    console.print("Everything runs until Ctrl-C")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        return
