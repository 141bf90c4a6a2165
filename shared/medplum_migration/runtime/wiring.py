"""The composition root: settings in, phases over their ports out; everything is made once."""

from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from medplum_migration.runtime import secrets
from medplum_migration.runtime.settings import settings
from medplum_migration.runtime.wired_ports import WiredPorts

if TYPE_CHECKING:
    from medplum_migration.phases.backfill import Backfill
    from medplum_migration.phases.dual_write import DualWrite
    from medplum_migration.phases.parked import Parked
    from medplum_migration.phases.quarantine import QuarantineDeadLetters
    from medplum_migration.phases.schedule_work import ScheduleWork
    from medplum_migration.phases.steer_backfill import SteerBackfill
    from medplum_migration.phases.steer_quarantine import SteerQuarantine
    from medplum_migration.phases.target import Target
    from medplum_migration.verification.reconcile import Reconcile


class Wiring(WiredPorts):
    """Ports and phases for one set of settings; each is made when it is first asked for."""

    @cached_property
    def target(self) -> "Target":
        """What the write protocol works on."""
        from medplum_migration.fhir.strict import validate
        from medplum_migration.phases.references import Crosswalk
        from medplum_migration.phases.target import Claims, Target

        accounts = tuple(filter(None, self.settings.accounts.split(",")))
        systems = {name for mapping in self.elements.values() for name in mapping.systems}
        return Target(
            fhir=self.fhir,
            legacy=self.legacy,
            manifest=self.manifest,
            quarantine=self.quarantine,
            clock=self.clock,
            telemetry=self.telemetry,
            validate=partial(validate, own_systems=systems, us_core=self.settings.us_core),
            source=self.settings.source_name,
            hash_key=secrets.hash_key(self.settings),
            elements=self.elements,
            checkpoints=self.checkpoints,
            crosswalk=Crosswalk(self.elements, self.fhir, source=self.settings.source_name),
            claims=Claims(accounts, profiles=self.settings.claim_profiles),
        )

    @cached_property
    def dual_write(self) -> "DualWrite":
        """Phase 1."""
        from medplum_migration.phases.dual_write import DualWrite

        return DualWrite(
            elements=self.elements,
            checkpoints=self.checkpoints,
            target=self.target,
            page_size=self.settings.page_size,
            images=self.settings.event_images == "use",
        )

    @cached_property
    def schedule_work(self) -> "ScheduleWork":
        """Phase 2, scheduling."""
        from medplum_migration.phases.schedule_work import ScheduleWork

        return ScheduleWork(
            elements=self.elements,
            checkpoints=self.checkpoints,
            legacy=self.legacy,
            tasks=self.tasks,
            clock=self.clock,
            telemetry=self.telemetry,
            parked=self.parked,
            in_flight=self.settings.chunks_in_flight,
            patience_s=self.settings.lease_s,
        )

    @cached_property
    def parked(self) -> "Parked":
        """Records that wait for a parent."""
        from medplum_migration.phases.parked import Parked

        return Parked(
            quarantine=self.quarantine,
            manifest=self.manifest,
            checkpoints=self.checkpoints,
            events=self.events,
        )

    @cached_property
    def backfill(self) -> "Backfill":
        """Phase 2, work."""
        from medplum_migration.phases.backfill import Backfill

        return Backfill(
            elements=self.elements,
            checkpoints=self.checkpoints,
            tasks=self.tasks,
            target=self.target,
            page_size=self.settings.page_size,
            lease_s=self.settings.lease_s,
            quota_reserve=self.settings.quota_reserve,
        )

    @cached_property
    def steer_backfill(self) -> "SteerBackfill":
        """An operator's hand on backfills."""
        from medplum_migration.phases.steer_backfill import SteerBackfill

        return SteerBackfill(checkpoints=self.checkpoints, clock=self.clock)

    @cached_property
    def dead_letters(self) -> "QuarantineDeadLetters":
        """The end of the dead-letter queues."""
        from medplum_migration.phases.quarantine import QuarantineDeadLetters

        return QuarantineDeadLetters(
            quarantine=self.quarantine,
            manifest=self.manifest,
            clock=self.clock,
            telemetry=self.telemetry,
            hash_key=secrets.hash_key(self.settings),
        )

    @cached_property
    def steer_quarantine(self) -> "SteerQuarantine":
        """An operator's hand on quarantine."""
        from medplum_migration.phases.steer_quarantine import SteerQuarantine

        return SteerQuarantine(
            quarantine=self.quarantine,
            manifest=self.manifest,
            checkpoints=self.checkpoints,
            events=self.events,
            clock=self.clock,
        )

    def reconcile(self, element: str) -> "Reconcile":
        """Comparison of one element."""
        from medplum_migration.verification.reconcile import Reconcile

        return Reconcile(
            mapping=self.elements[element],
            legacy=self.legacy,
            fhir=self.fhir,
            quarantine=self.quarantine,
            crosswalk=self.target.crosswalk,
            validate=self.target.validate,
            source=self.settings.source_name,
            page_size=self.settings.page_size,
        )


@cache
def wiring() -> Wiring:
    """Wire a Lambda function from its environment."""
    from medplum_migration.adapters.powertools_telemetry import PowertoolsTelemetry
    from medplum_migration.runtime.observability import logger, metrics

    return Wiring(settings(), PowertoolsTelemetry(logger, metrics))
