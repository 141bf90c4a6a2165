"""What the demo shall do: sizes, pace, and where Medplum is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """A Medplum server that is there already; the client needs to read and write Patients."""

    base_url: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """`kill_every` seconds a function is killed, or once when it is 0; `rate` writes a second."""

    patients: int
    seed: int
    rate: float
    kill_every: float
    keep: bool
    server: Server | None


# Times are short, so that what takes minutes in a cloud can be watched: a killed worker's chunk is
# due again after its lease, its events after their visibility timeout.
PARAMETERS = {
    "BackfillConcurrency": "2",
    "BackfillTimeoutS": "60",
    "BatchWindowS": "1",
    "ChunksInFlight": "2",
    "ChunksVisibilityS": "60",
    "DualWriteConcurrency": "2",
    "DualWriteTimeoutS": "10",
    "EventsVisibilityS": "10",
    "LeaseS": "10",
    "MaxReceiveCount": "20",
    "PageSize": "100",
    # The embedded server counts points but refuses nobody; a real one may.
    "QuotaReserve": "0",
}
CHUNK_SIZE = 250
TICK_S = 2.0
