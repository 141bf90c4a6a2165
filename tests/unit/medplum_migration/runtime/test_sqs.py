"""Between SQS and phases: what is answered, what is logged, and when work must end."""

import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from medplum_migration.adapters.memory import MemoryTelemetry
from medplum_migration.domain.checkpoint import ChunkTask
from medplum_migration.domain.errors import EventError, UnavailableError
from medplum_migration.phases.dual_write import Message
from medplum_migration.runtime import sqs

TASK = ChunkTask(element="people", run_id="r", chunk=0)


def event(*bodies: str) -> dict[str, Any]:
    """Make an SQS event; message ids count from m0."""
    records = [
        {"messageId": f"m{n}", "body": body, "eventSource": "aws:sqs"}
        for n, body in enumerate(bodies)
    ]
    return {"Records": records}


def context(left_ms: int = 60_000) -> LambdaContext:
    """Make a context with so much time left."""
    return cast("LambdaContext", SimpleNamespace(get_remaining_time_in_millis=lambda: left_ms))


def failures(answer: sqs.PartialBatchResponse) -> list[str]:
    """Read the ids that are to be delivered again."""
    return [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]


def test_a_batch_stays_whole() -> None:
    """The phase sees all messages at once; the ids it returns come back, and no others."""
    seen: list[Message] = []

    def phase(messages: Sequence[Message]) -> list[str]:
        seen.extend(messages)
        return ["m1"]

    assert ["m1"] == failures(sqs.each_batch(event("a", "b"), phase))
    assert [Message("m0", "a"), Message("m1", "b")] == seen


class Phase:
    """Notes tasks and deadlines; raises what it is told to, by chunk."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = errors
        self.deadlines: list[float] = []

    def __call__(self, task: ChunkTask, *, deadline: float) -> None:
        """Note, or raise."""
        self.deadlines.append(deadline)
        if f"c{task.chunk}" in self.errors:
            raise self.errors[f"c{task.chunk}"]


def task(chunk: int) -> str:
    """Make the message of a chunk."""
    return TASK.model_copy(update={"chunk": chunk}).model_dump_json()


def test_a_failing_task_alone_is_delivered_again() -> None:
    """One task's failure takes no other task with it."""
    phase = Phase(c1=UnavailableError("away"))
    answer = sqs.each_task(event(task(0), task(1), task(2)), context(), phase, MemoryTelemetry())

    assert ["m1"] == failures(answer)


def test_a_batch_that_fails_whole_is_answered_not_raised() -> None:
    """Lambda must not count a transient failure as an error of the function."""
    answer = sqs.each_task(
        event(task(0)), context(), Phase(c0=UnavailableError("away")), MemoryTelemetry()
    )

    assert ["m0"] == failures(answer)


def test_an_unforeseen_error_is_logged_by_type_and_place() -> None:
    """Its text may quote a patient; an error raised on purpose has none of that."""
    telemetry = MemoryTelemetry()
    phase = Phase(c0=KeyError("Jane Doe"), c1=UnavailableError("away", code="Timeout"))
    sqs.each_task(event(task(0), task(1)), context(), phase, telemetry)

    reasons = [
        str(fields["reason"]) for name, fields in telemetry.problems if name == "backfill.failed"
    ]
    assert "away (code=Timeout)" == reasons[1]
    assert reasons[0].startswith("KeyError")
    assert "Jane" not in reasons[0]
    assert 1 == telemetry.total("UnexpectedErrors")
    assert 1 == telemetry.total("WorkDeferred", code="Unavailable")


def test_work_ends_before_the_function_does() -> None:
    """The deadline leaves five seconds to hand the chunk over."""
    phase = Phase()
    before = time.time()
    sqs.each_task(event(task(0)), context(left_ms=60_000), phase, MemoryTelemetry())

    assert before + 55 <= phase.deadlines[0] <= time.time() + 55


@pytest.mark.parametrize("body", ["", "{}", '{"element": "p", "run_id": "r", "chunk": "x"}', "[1]"])
def test_what_is_no_task_is_told_without_its_content(body: str) -> None:
    """A stranger's message is an event error; the dead-letter queue keeps it."""
    with pytest.raises(EventError, match="not a chunk task") as caught:
        sqs.read_task(body)

    assert caught.value.__cause__ is None
