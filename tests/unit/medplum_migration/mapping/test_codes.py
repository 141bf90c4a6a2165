"""Code tables: forward, inverse, concepts, ConceptMap."""

import pytest

from medplum_migration.mapping.codes import HEADER, Codes
from medplum_migration.mapping.field import Unmappable

HEAD = ",".join(HEADER) + "\n"
TEXT = HEAD + "U,unknown,urn:s,Unknown,equivalent,y\nN,unknown,urn:s,Unknown,wider,\n"
SEX = Codes("sex", lambda: TEXT + "F,female,urn:s,Female,equivalent,y\n", local="urn:l")
STANDARD = {"system": "urn:s", "code": "female", "display": "Female"}
LOCAL = {"system": "urn:l", "code": "F"}


def test_decode_and_encode() -> None:
    """Codes go there, and the canonical one comes back."""
    assert "unknown" == SEX.decode("N")
    assert "U" == SEX.encode("unknown")
    assert SEX.lossy


@pytest.mark.parametrize("code", ["X", 7, None])
def test_unknown(code: str) -> None:
    """A code outside the table is unmappable, and not quoted."""
    with pytest.raises(Unmappable, match="table sex"):
        SEX.encode(code)
    with pytest.raises(Unmappable, match="table sex"):
        SEX.decode(code)


@pytest.mark.parametrize(
    ("expected", "legacy"),
    [
        ({"coding": [STANDARD, LOCAL], "text": "Female"}, "F"),
        ({"coding": [{"system": "urn:l", "code": "X"}], "text": "X"}, "X"),
        ({"text": "two  blanks"}, "two  blanks"),
    ],
)
def test_concept(expected: object, legacy: str) -> None:
    """The local code survives beside the standard one; what is no code is text."""
    assert expected == SEX.decode_concept(legacy)
    assert legacy == SEX.encode_concept(SEX.decode_concept(legacy))


@pytest.mark.parametrize(
    ("expected", "concept"),
    [
        ("F", {"coding": [STANDARD]}),
        ("U", {"coding": [{"system": "urn:s", "code": "unknown"}, LOCAL]}),
        ("N", {"coding": [{"system": "urn:s", "code": "unknown"}, LOCAL | {"code": "N"}]}),
    ],
)
def test_edited_concept(expected: str, concept: dict[str, object]) -> None:
    """A standard code that was edited wins over a local code that was left behind."""
    assert expected == SEX.encode_concept(concept)


@pytest.mark.parametrize(
    "concept",
    [
        {"text": "F"},
        {"text": "word"},
        {},
        {"coding": [STANDARD, {"system": "urn:s", "code": "unknown"}]},
        {"coding": [{"system": "urn:z", "code": "1"}]},
    ],
)
def test_concept_without_legacy_code(concept: dict[str, object]) -> None:
    """A concept that the table cannot tell is unmappable."""
    with pytest.raises(Unmappable):
        SEX.encode_concept(concept)


def test_concept_map() -> None:
    """The table is a FHIR ConceptMap."""
    made = SEX.concept_map("urn:map")
    group = made["group"][0]
    assert ("urn:l", "urn:s") == (group["source"], group["target"])
    assert ["F", "N", "U"] == [element["code"] for element in group["element"]]
    assert "wider" == group["element"][1]["target"][0]["equivalence"]


def test_concept_map_without_local_system() -> None:
    """Without a local system the source is left out."""
    assert "source" not in Codes("x", lambda: TEXT).concept_map("urn:map")["group"][0]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (1, ""),
        (1, "legacy,code\n"),
        (2, HEAD + "a,b\n"),
        (2, HEAD + ",b,c,d,equivalent,y\n"),
        (2, HEAD + "a,b,c,d,same,y\n"),
    ],
)
def test_refused_table(line: int, text: str) -> None:
    """A broken table is named with its line."""
    with pytest.raises(ValueError, match=f"table x, line {line}"):
        _ = Codes("x", lambda: text).rows


def test_twice_in_a_table() -> None:
    """A legacy code that stands twice is refused."""
    with pytest.raises(ValueError, match="twice"):
        _ = Codes("x", lambda: TEXT + "U,other,urn:s,Other,equivalent,\n").forward


def test_unclear_inverse() -> None:
    """Codes that share a target need exactly one canonical line."""
    text = TEXT.replace(",y", ",")
    with pytest.raises(ValueError, match="canonical"):
        _ = Codes("x", lambda: text).inverse
