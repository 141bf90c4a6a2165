"""Elements that are there, by any spelling."""

from medplum_migration.fhir.presence import has, is_absent, spellings

_ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "x"}


def test_plain_and_extended() -> None:
    """An element is there with a value, with an extension, or with both."""
    assert ["birthDate"] == spellings({"birthDate": "1980"}, "birthDate")
    assert ["_birthDate"] == spellings({"_birthDate": {}}, "birthDate")
    assert ["birthDate", "_birthDate"] == spellings(
        {"birthDate": "1", "_birthDate": {}}, "birthDate"
    )
    assert not has({"birth": "1980"}, "birthDate")


def test_choice() -> None:
    """A choice is there with any type, and another element with the same beginning is not it."""
    assert ["valueString"] == spellings({"valueString": "x"}, "value[x]")
    assert ["_valueString"] == spellings({"_valueString": {}}, "value[x]")
    assert not has({"value": 1, "valueset": 2}, "value[x]")


def test_absent() -> None:
    """Only the extension that says so makes a complex element absent."""
    assert is_absent({"extension": [{"url": "https://x.example"}, _ABSENT]})
    assert not is_absent({"extension": [{"url": "https://x.example"}]})
    assert not is_absent({"text": "x"})
