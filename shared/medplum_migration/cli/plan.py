"""`plan`: in which order elements are loaded, how long it takes, and what it costs."""

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Annotated, Any, NamedTuple

import typer

from medplum_migration.cli.exit_codes import EXIT_FOUND
from medplum_migration.cli.session import AsJson, Session
from medplum_migration.cli.show import print_json, print_table
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.mapping.register import resource_types
from medplum_migration.mapping.sequence import needs
from medplum_migration.ports.legacy import LegacyStore
from medplum_migration.verification.estimate import (
    DEFAULT_QUOTA,
    Estimate,
    estimate,
    prices,
    take,
)
from medplum_migration.verification.reading import records

_HEADER = (
    "", "element", "resources", "after", "records", "per record", "points", "share", "time", "AWS"
)  # fmt: skip
_COUNTED = 4
_DAY_S, _HOUR_S, _MINUTE_S, _FEW = 86_400, 3_600, 60, 2


class Step(NamedTuple):
    """An element in its place, with an estimate, or why there is none."""

    number: int
    mapping: ElementMapping[Any]
    estimate: Estimate | None
    trouble: str = ""


def plan(
    context: typer.Context,
    *,
    sample: Annotated[
        int, typer.Option(min=0, help="Records to map per element; 0 skips the legacy store.")
    ] = 200,
    quota: Annotated[
        int, typer.Option(min=1, help="Points a minute that Medplum grants the migration.")
    ] = DEFAULT_QUOTA,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a planning page to fill in and to keep.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the order of elements, and estimate quota points, time and AWS's price of a first load.

    The order follows from the references of the mappings. Records are counted, all else is
    estimated from a sample. Exit with 1 when a legacy table is missing.
    https://www.medplum.com/docs/migration/migration-sequence
    """
    session: Session = context.obj
    steps = [*_steps(session, sample)]
    if as_json:
        print_json(_as_dict(steps, quota))
    elif as_markdown:
        page = resources.files(__package__).joinpath("planning.md").read_text()
        typer.echo(page.replace("{order}", "\n".join(_table(steps, quota))), nl=False)
    else:
        rows = list(_rows(steps, quota))
        header = _HEADER if sample else _HEADER[:_COUNTED]
        print_table(session.console, header, [row[: len(header)] for row in rows])
        for note in _notes(steps, quota):
            session.note(note)
    if any(_findings(steps)):
        raise typer.Exit(EXIT_FOUND)


def _steps(session: Session, sample: int) -> Iterator[Step]:
    legacy = session.wired.legacy if sample else None
    for number, mapping in enumerate(session.wired.elements.values(), 1):
        if legacy is None:
            yield Step(number, mapping, None)
            continue
        try:
            page_size = session.wired.settings.page_size
            yield Step(number, mapping, _estimate(legacy, mapping, sample, page_size))
        except ConfigurationError as error:
            yield Step(number, mapping, None, str(error))


def _estimate(
    legacy: LegacyStore, mapping: ElementMapping[Any], sample: int, page_size: int
) -> Estimate:
    read = records(legacy, mapping.element, page_size=page_size, limit=sample)
    return estimate(mapping, records=legacy.count(mapping.element), sample=take(mapping, read))


def _rows(steps: Sequence[Step], quota: int) -> Iterator[tuple[str, ...]]:
    """Tell steps as rows, and their sum; parents are told by their numbers."""
    numbers = {step.mapping.element: step.number for step in steps}
    total = sum(step.estimate.points for step in steps if step.estimate)
    for step in steps:
        parents = sorted(numbers[name] for name in needs(step.mapping))
        head = (str(step.number), step.mapping.element, " ".join(resource_types(step.mapping)))
        told = _told(step.estimate, quota, total) if step.estimate else ("-",) * 6
        yield (*head, " ".join(map(str, parents)) or "-", *told)
    if total:
        yield ("", "all", "", "", *_told(_sum(steps), quota, total))


def _sum(steps: Sequence[Step]) -> "_Sum":
    found = [step.estimate for step in steps if step.estimate]
    return _Sum(
        sum(one.records for one in found),
        sum(one.resources for one in found),
        sum(one.points for one in found),
        sum(one.price for one in found),
    )


class _Sum(NamedTuple):
    """The sum of several estimates."""

    records: int
    resources: int
    points: int
    price: float

    def seconds(self, quota: int) -> float:
        """How long they take one after another."""
        return self.points * _MINUTE_S / quota


def _told(found: "Estimate | _Sum", quota: int, total: int) -> tuple[str, ...]:
    return (
        f"{found.records:,}",
        f"{found.resources / found.records:.2f}" if found.records else "-",
        f"{found.points:,}",
        f"{found.points / total:.0%}" if total else "-",
        duration(found.seconds(quota)),
        f"${found.price:,.2f}",
    )


def duration(seconds: float) -> str:
    """Tell a time with two figures at most."""
    for unit, size in (("d", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S)):
        if seconds >= _FEW * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _notes(steps: Sequence[Step], quota: int) -> Iterator[str]:
    yield from _findings(steps)
    found = {step.mapping.element: step.estimate.sample for step in steps if step.estimate}
    for element, sample in found.items():
        if sample.quarantined:
            where = f"{sample.quarantined} of {sample.records} sampled records cannot be mapped"
            yield f"{element}: {where}; `check --sample` says why."
    if found:
        told = prices()
        yield f"Records are counted; the rest is estimated, the time at {quota:,} points a minute."
        yield f"AWS: {told['region']}, {told['as_of']}, {told['note']}."


def _findings(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        if step.trouble:
            yield f"{step.mapping.element}: {step.trouble}."


def _table(steps: Sequence[Step], quota: int) -> Iterator[str]:
    header = _HEADER if any(step.estimate for step in steps) else _HEADER[:_COUNTED]
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in _rows(steps, quota):
        yield "| " + " | ".join(row[: len(header)]) + " |"
    yield ""
    yield from (f"- {note}" for note in _notes(steps, quota))


def _as_dict(steps: Sequence[Step], quota: int) -> dict[str, Any]:
    found = _sum(steps)
    return {
        "quota_points_per_minute": quota,
        "prices": {name: prices()[name] for name in ("as_of", "region", "currency")},
        "elements": [_step_as_dict(step, quota) for step in steps],
        "total": {**found._asdict(), "seconds": round(found.seconds(quota))},
    }


def _step_as_dict(step: Step, quota: int) -> dict[str, Any]:
    mapping, found = step.mapping, step.estimate
    told: dict[str, Any] = {
        "order": step.number,
        "element": mapping.element,
        "resources": list(resource_types(mapping)),
        "after": list(needs(mapping)),
    }
    if found is None:
        return told | ({"trouble": step.trouble} if step.trouble else {})
    return told | {
        "records": found.records,
        "sampled": found.sample.records,
        "quarantined_in_sample": found.sample.quarantined,
        "resources_per_record": found.sample.resources,
        "references_per_record": found.sample.references,
        "points": found.points,
        "share_of_default_quota": found.points / DEFAULT_QUOTA,
        "seconds": round(found.seconds(quota)),
        "price": found.price,
    }
