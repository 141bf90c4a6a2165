"""Code tables as ConceptMaps: one each, valid, and never two under one URL."""

import pytest

from medplum_migration.domain.errors import ConfigurationError, InvalidResourceError
from medplum_migration.mapping.codes import HEADER, Codes
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.concept_maps import concept_maps
from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping

BASE = "https://clinic.example/"
ONE = "a,x,urn:one,X,equivalent,y\n"


def table(*lines: str, name: str = "codes/odd_table.csv", local: str = "") -> Codes:
    """Make a code table."""
    return Codes(name, lambda: ",".join(HEADER) + "\n" + "".join(lines), local=local)


class Row(LegacyRow):
    """A row with two codes."""

    key: int
    first: Text
    second: Text


def using(first: Codes, second: Codes) -> Mapping[Row]:
    """Make an element that uses one table in a field and one in a function."""

    def within(value: str) -> dict[str, str]:
        return {"text": second.decode(value)}

    class Coded(Mapping[Row]):
        element, resource, row = "coded", "Patient", Row
        table, key, system = "coded", "key", "urn:coded"
        fields = (
            Field("first", "maritalStatus", first.decode_concept, first.encode_concept),
            Field("second", "communication[id=one].language", within, str),
        )

    return Coded()


def test_tables_of_fields_and_of_functions() -> None:
    """Both are found, and named by their files."""
    mapping = using(table(ONE), table(ONE, name="codes/other.csv", local="urn:local"))
    bundle = concept_maps([mapping], BASE)

    assert [f"{BASE}ConceptMap/odd-table", f"{BASE}ConceptMap/other"] == [
        entry["fullUrl"] for entry in bundle["entry"]
    ]
    assert "urn:local" == bundle["entry"][1]["resource"]["group"][0]["source"]


def test_a_table_that_several_use_stands_once() -> None:
    """The same lines under the same name are one table."""
    shared = using(table(ONE), table(ONE))

    assert 1 == len(concept_maps([shared, shared], BASE)["entry"])


def test_two_tables_under_one_name_are_refused() -> None:
    """One ConceptMap would hide the other."""
    other = table(ONE.replace("urn:one", "urn:two"), name="elsewhere/odd_table.csv")

    with pytest.raises(ConfigurationError, match="same file name"):
        concept_maps([using(table(ONE), other)], BASE)


def test_a_narrower_match_has_a_comment() -> None:
    """FHIR demands one (cmd-1); an empty display is left out."""
    mapping = using(table("a,x,urn:one,,narrower,y\n"), table(ONE, name="codes/other.csv"))
    (group,) = concept_maps([mapping], BASE)["entry"][0]["resource"]["group"]

    assert [
        {
            "code": "x",
            "equivalence": "narrower",
            "comment": "as reviewed in codes/odd_table.csv",
        }
    ] == group["element"][0]["target"]


def test_what_fhir_does_not_allow_is_refused() -> None:
    """With the path, before anything is printed."""
    mapping = using(table("a,x\x07,urn:one,X,equivalent,y\n"), table(ONE, name="codes/other.csv"))

    with pytest.raises(InvalidResourceError) as caught:
        concept_maps([mapping], BASE)

    assert "code" in caught.value.path
