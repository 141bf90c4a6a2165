"""What the write protocol works on: the ports, the validator, and the names it writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.phases.references import Crosswalk
from medplum_migration.ports.checkpoints import Checkpoints
from medplum_migration.ports.clock import Clock
from medplum_migration.ports.fhir_store import FhirStore
from medplum_migration.ports.legacy import LegacyStore
from medplum_migration.ports.manifest import Manifest
from medplum_migration.ports.quarantine import Quarantine
from medplum_migration.ports.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Claims:
    """What is said in `meta` besides the fence, on top of what others have said there.

    `accounts` are references (https://www.medplum.com/docs/access/multi-tenant-access-policy);
    with `profiles` a resource claims its mapping's profile.
    """

    accounts: tuple[str, ...] = ()
    profiles: bool = False

    def meta(self, held: dict[str, Any], profile: str) -> dict[str, Any]:
        """Add the claims to a resource's `meta`."""
        known = held.get("accounts", [])
        wanted = [{"reference": account} for account in self.accounts]
        accounts = [*known, *(entry for entry in wanted if entry not in known)]
        profiles = list(held.get("profile", []))
        if self.profiles and profile and profile not in profiles:
            profiles.append(profile)
        claimed = {"accounts": accounts, "profile": profiles}
        return {**held, **{name: value for name, value in claimed.items() if value}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Everything `apply` reads from and writes to.

    `source` names the legacy system in every fence, `hash_key` keys every hash of a value. `rounds`
    bounds how often a contended record is read again before the queue takes it back. `elements` are
    those that references may lead to, and `pulling` the records that are being pulled for others, a
    set for each level of parents.
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
    elements: Mapping[str, ElementMapping[Any]]
    checkpoints: Checkpoints
    crosswalk: Crosswalk
    claims: Claims = field(default_factory=Claims)
    pulling: tuple[frozenset[tuple[str, str]], ...] = ()
    rounds: int = 6
