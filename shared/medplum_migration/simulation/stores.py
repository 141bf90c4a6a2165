"""Stores as values: states with numbers, and what each call makes of each state, computed once.

The calls are executed by the in-memory adapters that the contract suites hold to the real ones.
"""

import copy
import pickle
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from medplum_migration.adapters.memory import MemoryTable
from medplum_migration.adapters.memory_fhir_store import Fault, MemoryFhirStore
from medplum_migration.adapters.memory_legacy_store import MemoryLegacyStore
from medplum_migration.adapters.memory_resources import MemoryResources
from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import ConflictError
from medplum_migration.domain.identity import Identifier
from medplum_migration.ports.fhir_store import WriteResult, WriteStatus
from medplum_migration.simulation.tape import Call, Refused

Value = TypeVar("Value")
Held = TypeVar("Held")
Execute: TypeAlias = Callable[[Any, Call, Fault | None], tuple[Any, Any]]


class Numbers(Generic[Value]):
    """Numbers values, equal ones alike; a value is found again by its number."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._numbers: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self.values)

    def of(self, key: Hashable, value: Value) -> int:
        """Number a value by its key."""
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.values)
            self.values.append(value)
        return number


class Kind(Protocol[Held]):
    """One kind of store: how its states are told apart, and how a call changes one."""

    def key(self, state: Held) -> Hashable:
        """Tell states apart."""

    def execute(self, state: Held, call: Call, fault: Fault | None) -> tuple[Held, Any]:
        """Run a call on a state, which stays as it is; return the next one and the result."""


@dataclass(slots=True)
class Store(Generic[Held]):
    """The states of one store that were met; a state is its number from then on."""

    kind: Kind[Held]
    states: Numbers[Held] = field(default_factory=Numbers)
    _memo: dict[tuple[int, int, Fault | None], tuple[int, bytes]] = field(default_factory=dict)

    def number(self, state: Held) -> int:
        """Number a state."""
        return self.states.of(self.kind.key(state), state)

    def step(self, state: int, number: int, call: Call, fault: Fault | None) -> tuple[int, bytes]:
        """Execute call `number` on a state; return the next state and the pickled result."""
        known = self._memo.get((state, number, fault))
        if known is None:
            after, result = self.kind.execute(self.states.values[state], call, fault)
            known = self.number(after), pickle.dumps(result)
            self._memo[state, number, fault] = known
        return known


class FhirKind:
    """Medplum, as `MemoryFhirStore` answers."""

    def key(self, state: MemoryResources) -> Hashable:
        """Tell contents, versions and what was ever there apart."""
        return repr(sorted(vars(state).items()))

    def execute(
        self, state: MemoryResources, call: Call, fault: Fault | None
    ) -> tuple[MemoryResources, Any]:
        """Search or write."""
        store = MemoryFhirStore()
        if call.method == "find":
            store.resources = state
            return state, store.find(*call.args)
        store.resources = copy.deepcopy(state)
        if fault is not None:
            store.inject(fault)
        return store.resources, _WRITES[call.method](store, *call.args)


def _write(store: MemoryFhirStore, write: Any) -> WriteResult:  # noqa: ANN401 because it is either write
    (result,) = store.write([write])
    return result


def _put(store: MemoryFhirStore, body: Resource) -> WriteResult:
    """Create or replace by identifier, whatever is there, as a conditional PUT does."""
    held = body["identifier"][0]
    identifier = Identifier(held["system"], held["value"])
    found = store.resources.find(body["resourceType"], [identifier])
    stored = store.resources.update(found[0]["id"], body) if found else store.seed(body)
    return WriteResult(WriteStatus.UPDATED, stored["id"], stored["meta"]["versionId"])


_WRITES: dict[str, Callable[..., Any]] = {
    "write": _write,
    "put": _put,
    "remove": MemoryFhirStore.remove,
}


class TableKind:
    """A document table, as `MemoryTable` answers."""

    def key(self, state: MemoryTable) -> Hashable:
        """Tell items apart."""
        return repr(sorted((at, text, item.order) for at, (text, item) in _items(state).items()))

    def execute(
        self, state: MemoryTable, call: Call, fault: Fault | None
    ) -> tuple[MemoryTable, Any]:
        """Read or store."""
        del fault
        table = MemoryTable()
        _items(table).update(_items(state))
        try:
            return table, _TABLE[call.method](table, *call.args)
        except ConflictError as error:
            return state, Refused(error.reason)


def _items(table: MemoryTable) -> dict[Any, Any]:
    return table._items  # noqa: SLF001 because a state is what a table holds


_TABLE: dict[str, Callable[..., Any]] = {
    "get": MemoryTable.get,
    "put": lambda table, pk, sk, body, revision: table.put(
        pk, sk, body, expected_revision=revision
    ),
    "put_if_newer": lambda table, item: table.put_if_newer([item])[0],
    "delete": lambda table, pk, sk, revision: table.delete(pk, sk, expected_revision=revision),
    "query": lambda table, pk, prefix: list(table.query(pk, sk_prefix=prefix)),
    "scan": lambda table, prefix: list(table.scan(pk_prefix=prefix)),
}


class LegacyKind:
    """The legacy store after so many writes of the clinic, as `MemoryLegacyStore` answers."""

    def key(self, state: tuple[int, MemoryLegacyStore]) -> Hashable:
        """Count writes."""
        return state[0]

    def execute(
        self, state: tuple[int, MemoryLegacyStore], call: Call, fault: Fault | None
    ) -> tuple[tuple[int, MemoryLegacyStore], Any]:
        """Read."""
        del fault
        return state, _READS[call.method](state[1], *call.args)


_READS: dict[str, Callable[..., Any]] = {
    "read": MemoryLegacyStore.read,
    "page": lambda store, element, after, upto, limit: store.page(
        element, after=after, upto=upto, limit=limit
    ),
    "deletions": lambda store, element, after, limit: store.deletions(
        element, after=after, limit=limit
    ),
    "boundary": lambda store, element, after, size: store.boundary(element, after=after, size=size),
    "count": MemoryLegacyStore.count,
    "columns": MemoryLegacyStore.columns,
}


def live(resources: MemoryResources) -> Iterator[Resource]:
    """List all live resources."""
    for _, resource in sorted(vars(resources)["_current"].items()):
        yield resource
