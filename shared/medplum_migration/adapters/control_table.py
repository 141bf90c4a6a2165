"""Port `Checkpoints` on a document table: one partition per element, one per run."""

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import asdict

from medplum_migration.adapters.table import Item, Table
from medplum_migration.domain.checkpoint import Chunk, Run
from medplum_migration.domain.data_element import ElementState
from medplum_migration.ports.checkpoints import AuditEntry

_STATE, _LATEST, _RUN, _CHUNK, _AUDIT = "state", "latest-run", "run#", "chunk#", "audit#"


class ControlTable:
    """Element states, runs, chunks and the audit trail; a document's revision is its item's."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._sequence = itertools.count()

    def element(self, element: str) -> ElementState:
        """Read an element's state."""
        item = self._table.get(element, _STATE)
        if item is None:
            return ElementState(element=element)
        return ElementState.model_validate(_document(item))

    def save_element(self, state: ElementState) -> ElementState:
        """Store an element's state."""
        item = self._table.put(
            state.element, _STATE, state.model_dump(mode="json"), expected_revision=state.revision
        )
        return state.model_copy(update={"revision": item.revision})

    def run(self, element: str) -> Run | None:
        """Read the latest run of an element."""
        item = self._table.get(element, _LATEST)
        return None if item is None else Run.model_validate(_document(item))

    def save_run(self, run: Run) -> Run:
        """Store a run as the latest of its element, then in the element's history of runs."""
        body = run.model_dump(mode="json")
        item = self._table.put(run.element, _LATEST, body, expected_revision=run.revision)
        sk = f"{_RUN}{run.started_at:020.6f}#{run.run_id}"
        self._table.put_if_newer([Item(run.element, sk, body, item.order)])
        return run.model_copy(update={"revision": item.revision})

    def runs(self, element: str) -> list[Run]:
        """Read the history of an element's runs, oldest first; evidence, not for writing back."""
        items = self._table.query(element, sk_prefix=_RUN)
        return [Run.model_validate(_document(item)) for item in items]

    def chunks(self, element: str, run_id: str) -> list[Chunk]:
        """Read all chunks of a run, by number."""
        items = self._table.query(_partition(element, run_id), sk_prefix=_CHUNK)
        return [Chunk.model_validate(_document(item)) for item in items]

    def chunk(self, element: str, run_id: str, number: int) -> Chunk | None:
        """Read one chunk."""
        item = self._table.get(_partition(element, run_id), _sort(number))
        return None if item is None else Chunk.model_validate(_document(item))

    def save_chunk(self, chunk: Chunk) -> Chunk:
        """Store a chunk."""
        item = self._table.put(
            _partition(chunk.element, chunk.run_id),
            _sort(chunk.number),
            chunk.model_dump(mode="json"),
            expected_revision=chunk.revision,
        )
        return chunk.model_copy(update={"revision": item.revision})

    def append_audit(self, entry: AuditEntry) -> None:
        """Append to the audit trail; entries of one instant keep their order in one process."""
        unique = f"{next(self._sequence):09d}#{uuid.uuid4().hex}"
        sk = f"{_AUDIT}{entry.at:020.6f}#{unique}"
        self._table.put(entry.element, sk, asdict(entry), expected_revision=0)

    def audit(self, element: str) -> Sequence[AuditEntry]:
        """Read the audit trail, oldest first."""
        return [AuditEntry(**i.body) for i in self._table.query(element, sk_prefix=_AUDIT)]


def _document(item: Item) -> dict[str, object]:
    return {**item.body, "revision": item.revision}


def _partition(element: str, run_id: str) -> str:
    return f"{element}#{run_id}"


def _sort(number: int) -> str:
    return f"{_CHUNK}{number:09d}"
