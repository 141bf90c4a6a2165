"""Views of tombstones: what FHIR demands of a deleted record is nobody's difference."""

from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Constant, Field
from medplum_migration.mapping.mapping import Mapping


class BillRow(LegacyRow):
    """A bill."""

    number: int
    made: Text


class Bills(Mapping[BillRow]):
    """Bills, of which FHIR demands a day on which they were made."""

    element, resource, row = "bills", "Claim", BillRow
    table, key, system = "bill", "number", "urn:bill"
    fields = (Field("made", "created"), Constant("use", "claim"))


BILLS = Bills()


def test_a_primitive_that_fhir_demands() -> None:
    """A deleted bill keeps its day or marks it absent, and both show the same."""
    mapped = BILLS.to_fhir({"number": 7, "made": "2024-01-31"})
    (grave,) = BILLS.tombstone("7")

    assert isinstance(mapped, tuple)
    merged = BILLS.merge(mapped[0], grave)
    assert "2024-01-31" == merged["created"]
    assert "_created" in grave
    assert BILLS.view(grave) == BILLS.view(merged)
