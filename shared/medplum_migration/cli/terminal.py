"""Port `Telemetry` for a terminal, and consoles that never eat a bracket or colour a pipe."""

from collections import Counter
from dataclasses import dataclass

from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """Make a console; FHIR paths such as `name[use=official]` are text, not Rich's markup."""
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = _WIDTH_OF_A_PIPE
    return made


_WIDTH_OF_A_PIPE = 10_000


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of problem, without any value of a record."""

    name: str
    error: str
    path: str
    reason: str

    @property
    def is_deferred(self) -> bool:
        """Whether the record is tried again by itself."""
        return self.name.endswith(".deferred")

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{self.name.rpartition('.')[2]}: {where}{self.reason}"


class TerminalTelemetry:
    """Counts problems by kind: a terminal shows sums, where functions log each record."""

    def __init__(self) -> None:
        self._troubles: Counter[Trouble] = Counter()

    def event(self, name: str, /, **fields: str | float) -> None:
        """Ignore: what a verb does, it says itself."""

    def problem(self, name: str, /, **fields: str | float) -> None:
        """Count a problem."""
        told = (str(fields.get(key, "")) for key in ("error", "path", "reason"))
        self._troubles[Trouble(name, *told)] += 1

    def count(self, metric: str, value: float, /, **dimensions: str) -> None:
        """Ignore: metrics are the functions' business."""

    def drain(self) -> Counter[Trouble]:
        """Hand out what was counted, and start from zero."""
        troubles, self._troubles = self._troubles, Counter()
        return troubles
