"""What the write protocol works on: the ports, the validator, and the names it writes."""

from collections.abc import Callable
from dataclasses import dataclass

from medplum_migration.domain.data_element import Resource
from medplum_migration.ports.clock import Clock
from medplum_migration.ports.fhir_store import FhirStore
from medplum_migration.ports.legacy import LegacyStore
from medplum_migration.ports.manifest import Manifest
from medplum_migration.ports.quarantine import Quarantine
from medplum_migration.ports.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Everything `apply` reads from and writes to.

    `source` names the legacy system in every fence, `hash_key` keys every hash of a value. `rounds`
    bounds how often a contended record is read again before the queue takes it back.
    """

    fhir: FhirStore
    legacy: LegacyStore
    manifest: Manifest
    quarantine: Quarantine
    clock: Clock
    telemetry: Telemetry
    validate: Callable[[Resource], None]
    source: str
    hash_key: bytes
    rounds: int = 6
