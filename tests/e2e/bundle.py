"""The deployed bundle as tests see it: events in, what the functions did out."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.adapters.medplum_http import MedplumHttp
from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import RunStatus
from medplum_migration.domain.phase import Phase
from medplum_migration.runtime.wiring import Wiring
from sandbox.aws.ministack import MiniStack
from sandbox.aws.observation import function_processes, logs
from sandbox.demo.stage import ELEMENTS
from sandbox.medplum.server import EmbeddedMedplum

ELEMENT = "patients"
_QUEUES = (
    "EventsQueueUrl",
    "ChunksQueueUrl",
    "EventsDeadLetterQueueUrl",
    "ChunksDeadLetterQueueUrl",
)
_FUNCTIONS = ("DualWrite", "Backfill", "ScheduleWork", "Quarantine")
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Bundle:
    """One deployed stack, its Medplum, and the ports of an operator's machine."""

    aws: MiniStack
    medplum: EmbeddedMedplum
    outputs: dict[str, str]
    wired: Wiring

    def reset(self) -> None:
        """Empty Medplum, both tables and all queues; whoever remembers resource ids begins anew."""
        self.medplum.reset()
        vars(self.wired).pop("target", None)
        for function in _FUNCTIONS:
            for process in function_processes(self.aws, self.outputs[f"{function}FunctionName"]):
                os.kill(process, signal.SIGKILL)
        sqs = self.aws.client("sqs")
        for queue in _QUEUES:
            sqs.purge_queue(QueueUrl=self.outputs[queue])
        for table, item in self.items():
            keys = {name: item[name] for name in ("pk", "sk")}
            self.aws.client("dynamodb").delete_item(TableName=table, Key=keys)

    def items(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """Read every item of both tables, with the table's name."""
        client = self.aws.client("dynamodb")
        for name in ("ControlTable", "ManifestTable"):
            for page in client.get_paginator("scan").paginate(TableName=self.outputs[name]):
                for item in page["Items"]:
                    yield self.outputs[name], item

    def set_phase(self, phase: Phase, element: str = ELEMENT) -> None:
        """Move an element to a phase."""
        checkpoints = self.wired.checkpoints
        state = checkpoints.element(element)
        checkpoints.save_element(state.model_copy(update={"phase": phase}))

    def backfill(self, *elements: str, chunk_size: int = 10) -> None:
        """Copy every record of some elements, ticking the scheduler as EventBridge does.

        Without elements, those of the demo.
        """
        chosen = elements or tuple(ELEMENTS)
        for element in chosen:
            self.set_phase(Phase.BACKFILL, element)
            self.wired.steer_backfill.start(element, chunk_size=chunk_size)
        client = self.aws.client("lambda")

        def is_done() -> bool:
            name = self.outputs["ScheduleWorkFunctionName"]
            client.invoke(FunctionName=name, Payload=b"{}")
            runs = [self.wired.checkpoints.run(element) for element in chosen]
            return all(run is not None and run.status is RunStatus.DONE for run in runs)

        wait_until(is_done, every_s=1)

    def send(self, events: Sequence[ChangeEvent]) -> None:
        """Send events to the queue, in this order."""
        self.wired.events.send(events)

    def send_text(self, body: str) -> None:
        """Send a message that need not be an event."""
        client = self.aws.client("sqs")
        client.send_message(QueueUrl=self.outputs["EventsQueueUrl"], MessageBody=body)

    def wait_until_idle(self) -> None:
        """Wait until no event waits or is under way."""
        wait_until(lambda: self.messages("EventsQueueUrl") == 0)

    def messages(self, queue: str) -> int:
        """Count a queue's messages, whatever their state."""
        attributes = self.aws.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs[queue], AttributeNames=["All"]
        )["Attributes"]
        kinds = ("", "NotVisible", "Delayed")
        return sum(int(attributes[f"ApproximateNumberOfMessages{kind}"]) for kind in kinds)

    def dead_letters(self) -> list[str]:
        """Read the bodies that wait in the dead-letter queues, while no function takes them."""
        client = self.aws.client("sqs")
        bodies: dict[str, str] = {}

        def are_all_read() -> bool:
            for queue in _QUEUES[2:]:
                url = self.outputs[queue]
                answer = client.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0
                )
                bodies.update({m["MessageId"]: m["Body"] for m in answer.get("Messages", [])})
            return len(bodies) >= sum(self.messages(queue) for queue in _QUEUES[2:])

        self._feed_quarantine(enabled=False)
        wait_until(are_all_read)
        self._feed_quarantine(enabled=True)
        return list(bodies.values())

    def _feed_quarantine(self, *, enabled: bool) -> None:
        client, name = self.aws.client("lambda"), self.outputs["QuarantineFunctionName"]
        for mapping in client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)

    def logs(self) -> dict[str, list[str]]:
        """Read what each function has logged."""
        names = [self.outputs[f"{name}FunctionName"] for name in _FUNCTIONS]
        return {name: logs(self.aws, name) for name in names}

    def invocations(self, function: str) -> int:
        """Count a function's invocations that ended by themselves."""
        lines = logs(self.aws, self.outputs[f"{function}FunctionName"])
        return sum(line.startswith("REPORT") for line in lines)


def close(wired: Wiring) -> None:
    """Close the connections that an operator's process leaves to its end, if there are any."""
    made = vars(wired)
    if isinstance(legacy := made.get("legacy"), SqlLegacyStore):
        legacy.close()
    if isinstance(fhir := made.get("fhir"), MedplumHttp):
        fhir._exchange._client.close()  # noqa: SLF001 because nothing but a test outlives it


def wait_until(condition: Callable[[], bool], *, every_s: float = 0.3) -> None:
    """Wait; fail when it takes too long."""
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(every_s)
