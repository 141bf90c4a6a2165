"""Element names of resource types."""

from medplum_migration.fhir import elements


def test_names() -> None:
    """A listed type has its own elements, choices spelt out, and those of every resource."""
    assert {"id", "meta", "birthDate", "deceasedBoolean"} <= elements.names("Patient")
    assert "deceased" not in elements.names("Patient")


def test_unknown_type() -> None:
    """A type that is not listed has no elements."""
    assert frozenset() == elements.names("Nope")


def test_rivals() -> None:
    """The elements of a choice exclude each other, others exclude nothing."""
    assert {"deceasedBoolean"} == elements.rivals("Patient", "deceasedDateTime")
    assert frozenset() == elements.rivals("Patient", "gender")
