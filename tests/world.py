"""A world in memory: both stores, all bookkeeping, and a small made-up element."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from medplum_migration.adapters.control_table import ControlTable
from medplum_migration.adapters.manifest_table import ManifestTable
from medplum_migration.adapters.memory import (
    MemoryClock,
    MemoryQueue,
    MemoryTable,
    MemoryTelemetry,
)
from medplum_migration.adapters.memory_fhir_store import MemoryFhirStore
from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.adapters.quarantine_table import QuarantineTable
from medplum_migration.domain.change_event import ChangeEvent, Operation
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.domain.identity import Fence, Identifier
from medplum_migration.domain.phase import Phase
from medplum_migration.mapping.field import Constant, Field, Unmappable
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.phases.backfill import Backfill
from medplum_migration.phases.dual_write import DualWrite
from medplum_migration.phases.parked import Parked
from medplum_migration.phases.references import Crosswalk
from medplum_migration.phases.schedule_work import ScheduleWork
from medplum_migration.phases.steer_backfill import SteerBackfill
from medplum_migration.phases.target import Target

SYSTEM = "https://example.org/id/people"


class PersonRow(BaseModel):
    """A row of the made-up table."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    number: int
    surname: str | None


def _surname(value: str) -> str:
    if value == "unmappable":
        reason = "is of the unmappable kind"
        raise Unmappable(reason)
    if value == "bug":
        raise KeyError(value)
    return value


class PersonMapping(Mapping[PersonRow]):
    """The made-up element `people`."""

    element, resource = "people", "Patient"
    row: type[Any] = PersonRow
    table, key, system = "people", "number", SYSTEM
    mapping_version = 3
    deleted: ClassVar = {"active": False}
    fields: tuple[Any, ...] = (
        Field("surname", "name[use=official].family", _surname),
        Constant("active", value=True),
    )


def refuse_forbidden(resource: dict[str, Any]) -> None:
    """Stand in for the strict layer: the family name `invalid` is not valid."""
    if any(name.get("family") == "invalid" for name in resource.get("name", ())):
        raise InvalidResourceError(path="Patient.name[0].family", reason="is forbidden")


@dataclass
class World:
    """Everything in memory, with shorthands for what tests do and look at."""

    mapping: PersonMapping = field(default_factory=PersonMapping)
    fhir: MemoryFhirStore = field(default_factory=MemoryFhirStore)
    legacy: MemoryLegacyStore = field(
        default_factory=lambda: MemoryLegacyStore(numeric=["people", "visits"])
    )
    control_items: MemoryTable = field(default_factory=MemoryTable)
    manifest_items: MemoryTable = field(default_factory=MemoryTable)
    clock: MemoryClock = field(default_factory=MemoryClock)
    telemetry: MemoryTelemetry = field(default_factory=MemoryTelemetry)
    tasks: MemoryQueue[ChunkTask] = field(default_factory=MemoryQueue)
    events: MemoryQueue[ChangeEvent] = field(default_factory=MemoryQueue)

    def __post_init__(self) -> None:
        self.checkpoints = ControlTable(self.control_items)
        self.manifest = ManifestTable(self.manifest_items)
        self.quarantine = QuarantineTable(self.manifest_items)
        self.elements: dict[str, Mapping[Any]] = {"people": self.mapping}
        self.rewire()

    def rewire(self) -> None:
        """Make the phases anew, after a change of `elements`."""
        self.target = Target(
            fhir=self.fhir,
            legacy=self.legacy,
            manifest=self.manifest,
            quarantine=self.quarantine,
            clock=self.clock,
            telemetry=self.telemetry,
            validate=refuse_forbidden,
            source="clinic",
            hash_key=b"key",
            elements=self.elements,
            checkpoints=self.checkpoints,
            crosswalk=Crosswalk(self.elements, self.fhir, source="clinic"),
        )
        self.dual_write = DualWrite(
            elements=self.elements, checkpoints=self.checkpoints, target=self.target
        )
        self.parked = Parked(
            quarantine=self.quarantine,
            manifest=self.manifest,
            checkpoints=self.checkpoints,
            events=self.events,
        )
        self.steer_backfill = SteerBackfill(checkpoints=self.checkpoints, clock=self.clock)
        self.schedule_work = ScheduleWork(
            elements=self.elements,
            checkpoints=self.checkpoints,
            legacy=self.legacy,
            tasks=self.tasks,
            clock=self.clock,
            telemetry=self.telemetry,
            parked=self.parked,
            in_flight=3,
        )
        self.backfill = Backfill(
            elements=self.elements,
            checkpoints=self.checkpoints,
            tasks=self.tasks,
            target=self.target,
            page_size=2,
            quota_reserve=100,
        )

    def set_phase(self, phase: Phase, element: str = "people") -> None:
        """Move an element."""
        state = self.checkpoints.element(element)
        self.checkpoints.save_element(state.model_copy(update={"phase": phase}))

    def write(self, key: int, surname: str | None) -> ChangeEvent:
        """Commit a legacy write; return its thin event."""
        version = self.legacy.set("people", str(key), {"number": key, "surname": surname})
        return thin(key, version)

    def delete(self, key: int) -> ChangeEvent:
        """Commit a legacy delete; return its event."""
        version = self.legacy.delete("people", str(key))
        return ChangeEvent(
            element="people", key=str(key), version=version, operation=Operation.DELETE
        )

    def held(self, key: int) -> dict[str, Any]:
        """Read the one live resource of a record from Medplum."""
        (resource,) = self.fhir.resources.find("Patient", [Identifier(SYSTEM, str(key))])
        return resource

    def surname(self, key: int) -> str | None:
        """Read what Medplum shows of a record."""
        names = self.held(key).get("name", [{}])
        family: str | None = names[0].get("family")
        return family

    def version(self, key: int) -> int:
        """Read the fence of a record in Medplum."""
        fence = Fence.parse(self.held(key)["meta"]["source"])
        assert fence is not None
        return fence.version


def thin(key: int, version: int) -> ChangeEvent:
    """Make a thin event."""
    return ChangeEvent(element="people", key=str(key), version=version, operation=Operation.UPSERT)


def full(key: int, version: int, surname: str | None) -> ChangeEvent:
    """Make a full-image event."""
    return ChangeEvent(
        element="people",
        key=str(key),
        version=version,
        operation=Operation.UPSERT,
        image={"number": key, "surname": surname},
    )
