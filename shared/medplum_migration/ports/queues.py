"""Queues out of the engine: chunk tasks and change events."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from medplum_migration.domain.change_event import ChangeEvent
from medplum_migration.domain.checkpoint import ChunkTask

Message_contra = TypeVar("Message_contra", ChunkTask, ChangeEvent, contravariant=True)


class Queue(Protocol[Message_contra]):
    """At-least-once, unordered; raises `UnavailableError` unless every message is accepted."""

    def send(self, messages: Sequence[Message_contra], *, delay_s: int = 0) -> None:
        """Enqueue messages, to be delivered after `delay_s` seconds (at most 900)."""
