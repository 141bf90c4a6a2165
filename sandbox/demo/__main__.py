"""Run the demo: `python -m sandbox.demo --patients 1000 --seed 1 --kill-every 10`."""

import sys
import time
from typing import Annotated

import typer
from rich.console import Console

from medplum_migration.domain.errors import MigrationError
from sandbox.aws.deployment import DeploymentError
from sandbox.aws.ministack import MiniStackError
from sandbox.aws.tools import ToolMissingError
from sandbox.demo.play import CommandError, play
from sandbox.demo.script import Script, Server
from sandbox.demo.view import StalledError
from sandbox.medplum.node import EmbeddedMedplumError

_FAILURES = (
    *(MigrationError, CommandError, StalledError),
    *(DeploymentError, MiniStackError, ToolMissingError, EmbeddedMedplumError),
)


def main(  # noqa: PLR0913 because each is an option of the command
    *,
    patients: Annotated[int, typer.Option(min=1, help="Patients of the clinic.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of clinic, writer and killer.")] = 1,
    rate: Annotated[float, typer.Option(min=0.1, help="Legacy writes a second.")] = 10.0,
    kill_every: Annotated[
        float, typer.Option(min=0, help="Kill a function every so many seconds; 0: only once.")
    ] = 0.0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")
    ] = False,
    medplum_url: Annotated[str, typer.Option(help="A real Medplum server.")] = "",
    medplum_client_id: Annotated[str, typer.Option(envvar="MEDPLUM_CLIENT_ID")] = "",
    medplum_client_secret: Annotated[str, typer.Option(envvar="MEDPLUM_CLIENT_SECRET")] = "",
) -> None:
    """Migrate a made-up clinic while it keeps writing, and compare both sides at the end."""
    console = Console()
    server = None
    if medplum_url:
        server = Server(medplum_url, medplum_client_id, medplum_client_secret)
    script = Script(
        patients=patients, seed=seed, rate=rate, kill_every=kill_every, keep=keep, server=server
    )
    started = time.monotonic()
    try:
        equal = play(script, console)
    except _FAILURES as error:
        name = error.code if isinstance(error, MigrationError) else type(error).__name__
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; everything has ended\n")
        sys.exit(130)
    console.print(f"[dim]{time.monotonic() - started:.0f} s in all[/]", highlight=False)
    console.print(equal.line, highlight=False, soft_wrap=True)
    sys.exit(0 if equal.holds else 1)


if __name__ == "__main__":
    typer.run(main)
