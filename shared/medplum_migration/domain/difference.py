"""What comparing one record on both sides can find, told without any of its values."""

from dataclasses import dataclass
from enum import StrEnum


class Finding(StrEnum):
    """The result of comparing one record; only equal versions are compared by field.

    lagging: Medplum has a lower version. ahead: it has a higher one than the legacy store, which
    must have been set back. quarantined: the record cannot be mapped, and waits for a person.
    unexpected: Medplum shows what has no record. reborn: it shows a record that is deleted.
    """

    MATCH = "match"
    LAGGING = "lagging"
    QUARANTINED = "quarantined"
    AHEAD = "ahead"
    MISSING = "missing"
    DIFFERENT = "different"
    DOUBLED = "doubled"
    UNEXPECTED = "unexpected"
    REBORN = "reborn"
    FOREIGN = "foreign"

    @property
    def is_difference(self) -> bool:
        """Whether it is wrong, now and for good, unless somebody acts."""
        return self not in {Finding.MATCH, Finding.LAGGING, Finding.QUARANTINED}


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that does not match: what is wrong, and at which FHIR paths."""

    element: str
    key: str
    finding: Finding
    paths: tuple[str, ...] = ()
