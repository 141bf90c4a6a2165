"""One fixture per port, parametrised over everything that implements it."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import boto3
import pytest
from moto import mock_aws

from medplum_migration.adapters.dynamodb_table import DynamoDbTable
from medplum_migration.adapters.loading import Batches, Loading, SingleRequests
from medplum_migration.adapters.medplum_http import (
    MedplumHttp,
    client_credentials,
    medplum_client,
)
from medplum_migration.adapters.memory import MemoryTable
from medplum_migration.adapters.memory_fhir_store import MemoryFhirStore
from medplum_migration.adapters.sqlite_table import SqliteTable
from medplum_migration.adapters.system_clock import SystemClock
from medplum_migration.adapters.table import Table
from medplum_migration.ports.fhir_store import FhirStore
from sandbox.aws.ministack import MiniStack
from tests.required import absent

if TYPE_CHECKING:
    from sandbox.medplum.server import EmbeddedMedplum

_ATTRIBUTES: list[Any] = [{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")]
_SCHEMA: list[Any] = [
    {"AttributeName": "pk", "KeyType": "HASH"},
    {"AttributeName": "sk", "KeyType": "RANGE"},
]

Client: TypeAlias = Any
Service: TypeAlias = Literal["dynamodb", "sqs"]


@dataclass(frozen=True)
class FhirServer:
    """A FHIR store under test, and a way to delete behind its back."""

    store: FhirStore
    delete: Callable[[str, str], None]


@pytest.fixture(scope="module")
def moto_client() -> Iterator[Callable[[Service], Client]]:
    """Make clients of AWS in this process; one account for all tests of a module."""
    with mock_aws():
        yield cache(lambda service: boto3.client(service, region_name="eu-west-1"))


@pytest.fixture
def emulator_client(aws_emulator: MiniStack) -> Callable[[Service], Client]:
    """Make clients of the emulator."""
    return aws_emulator.client


@pytest.fixture(
    params=["memory", "sqlite", "moto", pytest.param("emulator", marks=pytest.mark.integration)]
)
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Table]:
    """Yield an empty table; its pages are small, so that paging happens."""
    if request.param == "memory":
        yield MemoryTable()
    elif request.param == "sqlite":
        sqlite = SqliteTable.open(tmp_path / "bookkeeping.db", "control", page_size=2)
        yield sqlite
        sqlite.close()
    else:
        client: Client = request.getfixturevalue(f"{request.param}_client")("dynamodb")
        yield DynamoDbTable(client, make_dynamodb_table(client), page_size=2)


@pytest.fixture
def races() -> None:
    """Mark a test whose threads race."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Race on the emulator only: moto checks a condition and then writes, without a lock."""
    items[:] = [
        item
        for item in items
        if not ("races" in getattr(item, "fixturenames", ()) and "[moto" in item.name)
    ]


def make_dynamodb_table(client: Client) -> str:
    """Create a table of its own for a test and return its name."""
    name = f"contract-{uuid.uuid4().hex}"
    client.create_table(
        TableName=name,
        KeySchema=_SCHEMA,
        AttributeDefinitions=_ATTRIBUTES,
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture(scope="session")
def embedded_medplum(
    tmp_path_factory: pytest.TempPathFactory,
) -> "Iterator[EmbeddedMedplum]":
    """Start the embedded Medplum once."""
    server = pytest.importorskip("sandbox.medplum.server")
    log_path = tmp_path_factory.mktemp("medplum") / "server.log"
    try:
        running = server.EmbeddedMedplum.start(log_path=log_path)
    except server.EmbeddedMedplumError as error:
        absent(f"the embedded Medplum does not start: {error}")
    with running:
        yield running


_STRATEGIES: dict[str, Loading] = {
    "embedded-singly": SingleRequests(workers=4),
    "embedded-batches": Batches(size=7, workers=4),
}


@pytest.fixture(
    params=["memory", *(pytest.param(n, marks=pytest.mark.integration) for n in _STRATEGIES)]
)
def fhir(request: pytest.FixtureRequest) -> Iterator[FhirServer]:
    """Yield an empty FHIR store."""
    if request.param == "memory":
        memory = MemoryFhirStore(page_size=2)
        yield FhirServer(memory, memory.remove)
        return
    server: EmbeddedMedplum = request.getfixturevalue("embedded_medplum")
    server.reset()
    clock = SystemClock()
    auth = client_credentials(
        server.base_url, lambda: (server.client_id, server.client_secret), clock=clock
    )
    with medplum_client(server.base_url, auth, connections=32) as client:
        store = MedplumHttp(client, clock=clock, loading=_STRATEGIES[request.param])
        yield FhirServer(store, lambda kind, name: _deleted(client.delete(f"{kind}/{name}")))


def _deleted(response: Any) -> None:
    response.raise_for_status()
