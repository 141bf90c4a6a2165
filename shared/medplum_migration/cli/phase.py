"""`phase show` and `phase set`: where an element stands, and moving it."""

from typing import Annotated, Any

import typer

from medplum_migration.cli.session import AsJson, Element, Execute, Session
from medplum_migration.cli.show import print_json, print_table
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.domain.phase import Phase, may_move
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.ports.checkpoints import AuditEntry

app = typer.Typer(help="Where each data element type stands.", no_args_is_help=True)


@app.command("show")
def show(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show the phase of every element."""
    session: Session = context.obj
    states = [session.wired.checkpoints.element(element) for element in session.wired.elements]
    if as_json:
        print_json({s.element: {"phase": s.phase.value, "epoch": s.epoch} for s in states})
        return
    rows = [(state.element, state.phase.value, str(state.epoch)) for state in states]
    print_table(session.console, ("element", "phase", "epoch"), rows)


@app.command("set")
def set_phase(
    context: typer.Context,
    element: Element,
    phase: Annotated[Phase, typer.Argument(help="Phase to move to.")],
    *,
    without_parents: Annotated[
        bool,
        typer.Option(
            "--without-parents", help="Turn it on although elements that it refers to are off."
        ),
    ] = False,
    execute: Execute = False,
) -> None:
    """Move an element one phase ahead, or any number back."""
    session: Session = context.obj
    mapping = session.mapping(element)
    state = session.wired.checkpoints.element(element)
    if not may_move(state.phase, phase):
        reason = f"{phase.value} is more than one step ahead of {state.phase.value}"
        raise ConfigurationError(reason, element=element)
    if phase not in BUILT:
        reason = f"the phase {phase.value} is not built yet"
        raise ConfigurationError(reason, element=element)
    if state.phase is Phase.OFF and phase is not Phase.OFF and not without_parents:
        _check_parents(session, mapping)
    if session.dry_run(execute, f"move {element} from {state.phase.value} to {phase.value}"):
        return
    if phase is Phase.OFF:
        session.wired.steer_backfill.abandon(element)
    session.wired.checkpoints.save_element(state.model_copy(update={"phase": phase}))
    session.wired.checkpoints.append_audit(
        AuditEntry(
            element=element,
            at=session.wired.clock.now(),
            actor=session.actor,
            action="phase.set",
            detail=f"{state.phase.value} to {phase.value}",
        )
    )
    session.say(f"{element}: {state.phase.value} to {phase.value}")


def _check_parents(session: Session, mapping: Mapping[Any]) -> None:
    """Refuse to turn an element on whose records would wait for parents that never come."""
    checkpoints, parents = session.wired.checkpoints, [p.element for p in mapping.parents]
    off = [parent for parent in parents if checkpoints.element(parent).phase is Phase.OFF]
    if off:
        reason = (
            "it refers to elements that are off; turn them on first, or add --without-parents and"
            " let its records wait in quarantine"
        )
        raise ConfigurationError(reason, element=mapping.element, off=" ".join(off))


BUILT = {Phase.OFF, Phase.DUAL_WRITE, Phase.BACKFILL}
