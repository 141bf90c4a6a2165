"""Which table a change is of."""

from medplum_migration.domain.row_change import RowChange


def test_a_table_is_named_with_or_without_its_schema() -> None:
    """A mapping may name either; another schema's table is another table."""
    change = RowChange(table="people", schema="clinic")

    assert change.is_of("people")
    assert change.is_of("clinic.people")
    assert not change.is_of("archive.people")
