"""`why`: all that is known of one record, and what to do next."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer

from medplum_migration.cli.session import AsJson, Element, Session
from medplum_migration.cli.show import print_json, print_table
from medplum_migration.domain.data_element import LegacyRecord, Resource
from medplum_migration.domain.errors import ConfigurationError, TransientError
from medplum_migration.domain.identity import Fence
from medplum_migration.mapping.part import is_tombstone
from medplum_migration.phases.draft import find_all
from medplum_migration.phases.reach import LookAhead, Reach
from medplum_migration.ports.manifest import ManifestEntry
from medplum_migration.ports.quarantine import QuarantineEntry
from medplum_migration.runtime.wiring import Wiring

Key = Annotated[str, typer.Argument(help="Key of the record in the legacy store.")]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """A resource as Medplum holds it, without its content; `version` None without our fence."""

    resource: str
    version_id: str
    version: int | None
    mapping_version: int | None
    is_tombstone: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What each place knows of a record; None where it knows nothing, or did not answer.

    `silent` names the places that did not answer, and why.
    """

    element: str
    key: str
    phase: str
    writes: bool
    legacy: LegacyRecord | None
    held: list[Held] | None
    manifest: ManifestEntry | None
    quarantine: QuarantineEntry | None
    reach: Reach | None
    silent: dict[str, str]


def why(context: typer.Context, element: Element, key: Key, *, as_json: AsJson = False) -> None:
    """Tell what every place knows of one record, and what to do next; no value is shown."""
    session: Session = context.obj
    session.mapping(element)
    known = ask(session.wired, element, key)
    if as_json:
        print_json(_as_json(known) | {"next": next_step(known)})
        return
    print_table(session.console, (f"{element} {key}", ""), _rows(known))
    session.say(next_step(known))


def ask(wired: Wiring, element: str, key: str) -> Known:
    """Ask every place; one that does not answer hides no other."""
    silent: dict[str, str] = {}

    def answer(place: str, question: Callable[[], T]) -> T | None:
        try:
            return question()
        except (TransientError, ConfigurationError) as error:
            silent[place] = str(error)
            return None

    mapping = wired.elements[element]
    phase = wired.checkpoints.element(element).phase
    legacy = answer("legacy store", lambda: wired.legacy.read(element, [key])[0])
    ahead = LookAhead(checkpoints=wired.checkpoints, legacy=wired.legacy) if legacy else None
    return Known(
        element=element,
        key=key,
        phase=phase.value,
        writes=phase.writes_to_medplum,
        legacy=legacy,
        held=answer(
            "Medplum",
            lambda: [_held(r) for r in find_all(wired.fhir, mapping, mapping.identifiers(key))],
        ),
        manifest=wired.manifest.get(element, key),
        quarantine=wired.quarantine.get(element, key),
        reach=answer("backfill", lambda: ahead.reach(element, legacy))
        if ahead and legacy
        else None,
        silent=silent,
    )


def _held(resource: Resource) -> Held:
    fence = Fence.parse(resource.get("meta", {}).get("source"))
    return Held(
        resource=f"{resource['resourceType']}/{resource['id']}",
        version_id=resource["meta"]["versionId"],
        version=fence.version if fence else None,
        mapping_version=fence.mapping_version if fence else None,
        is_tombstone=is_tombstone(resource),
    )


def next_step(known: Known) -> str:
    """Tell what to do next, in one line."""
    entry = known.quarantine
    if entry is not None and known.writes:
        return _mend(entry, known)
    if not known.writes:
        return f"Nothing is written in phase {known.phase}: turn the element on with `phase set`."
    if known.legacy is None or known.held is None:
        return f"Ask again when there is an answer from: {', '.join(known.silent)}."
    return _compare(known.legacy, known.held, known)


def _mend(entry: QuarantineEntry, known: Known) -> str:
    if entry.waits_for:
        parent = f"{entry.waits_for} {entry.waits_for_key}"
        return f"It is tried again when its parent is in Medplum: see `why {parent}`."
    if known.legacy is not None and known.legacy.version > entry.version:
        return "The row has changed since; its event tries again, or `quarantine replay` does."
    return "Mend the row or the mapping, then `quarantine replay`; or `quarantine discard`."


def _compare(legacy: LegacyRecord, held: list[Held], known: Known) -> str:
    if any(one.version is None for one in held):
        return (
            "A resource with the record's identifier is somebody else's: find out which is right."
        )
    if not held and legacy.row is None:
        return "Nothing: there is no such record, and Medplum never had one."
    versions = {one.version for one in held if one.version is not None}
    if versions == {legacy.version}:
        return "Nothing: Medplum holds the legacy store's version."
    if max(versions, default=-1) > legacy.version:
        return "Medplum is ahead of the legacy store: was a backup restored, or a replica asked?"
    if known.reach is Reach.AHEAD:
        return "Wait: the backfill is still to come by."
    return "Its event is on the way; if it stays so, a backfill writes what Medplum lacks."


def _rows(known: Known) -> list[tuple[str, str]]:
    rows = [("phase", known.phase)]
    if known.legacy is not None:
        state = "there" if known.legacy.row is not None else "not there"
        rows.append(("legacy store", f"version {known.legacy.version}, {state}"))
    rows += [("Medplum", _tell(one)) for one in known.held or ()]
    if known.held == []:
        rows.append(("Medplum", "nothing"))
    if (kept := known.manifest) is not None:
        told = f"{kept.disposition.value}, version {kept.version} by mapping {kept.mapping_version}"
        error = f", {kept.error}" if kept.error else ""
        rows.append(("manifest", f"{_at(kept.recorded_at)} {told}{error}"))
    if (entry := known.quarantine) is not None:
        rows += [
            ("attempt", f"{_at(one.at)} version {one.version}, {_cause(one.code, one.path)}")
            for one in entry.earlier
        ]
        cause = f"{_cause(entry.code, entry.path)}: {entry.reason}"
        rows.append(("attempt", f"{_at(entry.quarantined_at)} version {entry.version}, {cause}"))
        rows.append(("quarantine", f"{entry.attempts} tries"))
    if known.reach is not None:
        rows.append(("backfill", known.reach.value))
    return rows + [(place, f"no answer: {reason}") for place, reason in known.silent.items()]


def _tell(one: Held) -> str:
    if one.version is None:
        return f"{one.resource} without our fence"
    tombstone = ", a tombstone" if one.is_tombstone else ""
    return f"{one.resource} version {one.version} by mapping {one.mapping_version}{tombstone}"


def _cause(code: str, path: str) -> str:
    return f"{code} {path}" if path else code


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%MZ")


def _as_json(known: Known) -> dict[str, Any]:
    legacy = known.legacy
    return {
        "element": known.element,
        "key": known.key,
        "phase": known.phase,
        "legacy": legacy and {"version": legacy.version, "exists": legacy.row is not None},
        "medplum": known.held and [asdict(one) for one in known.held],
        "manifest": known.manifest and known.manifest.model_dump(mode="json"),
        "quarantine": known.quarantine and known.quarantine.model_dump(mode="json"),
        "backfill": known.reach and known.reach.value,
        "silent": known.silent,
    }
