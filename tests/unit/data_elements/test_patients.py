"""Patients: the laws, with the codes and traps of `patient_data` as edges."""

from pathlib import Path

import pytest

from data_elements.patients import SSN, patients
from medplum_migration.domain.errors import MappingError
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.register import register
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"
MARRIED = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"


class TestPatients(laws.Laws):
    """Every law, on made-up rows."""

    mapping = patients
    goldens = GOLDENS / "patients"
    edges = {  # noqa: RUF012 because the base declares it
        "ss": Edges(("",), ("123-45-6789", "123456789"), ("123-456789", "xxx-xx-6789")),
        "sex": Edges(("",), ("Female", "Male", "UNK"), ("F", "female", "X")),
        "guardiansex": Edges((None, ""), ("Female", "Male"), ("F",)),
        "status": Edges(
            ("",),
            ("active", "inactive", "married", "domestic partner", "common law", "a  b"),
            ("Active", " inactive"),
        ),
        "language": Edges(("",), ("english", "English", "spanish", "klingon"), ("nul\x00",)),
        "race": Edges(("",), ("white", "Asian", "abenaki", "White"), ("nul\x00",)),
        "ethnicity": Edges(("",), ("hisp_or_latin", "decline_to_specify"), ("nul\x00",)),
    }


ID = {"system": patients.system, "value": "1"}
ROW = blank(patients) | {"pid": 1}


def resource(**elements: object) -> dict[str, object]:
    """Make a Patient of record 1."""
    return {"resourceType": "Patient", "identifier": [ID], **elements}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("status", "Active"),
        ("sex", "F"),
        ("ss", "12-3456789"),
        ("deceased_date", "2024-03-10 02:30:00"),
        ("guardianrelationship", "grandparent"),
        ("fname", ""),
        ("providerID", "nobody"),
    ],
)
def test_quarantine_names_the_column(column: str, value: str) -> None:
    """What cannot be mapped is quarantined under its column, and not quoted."""
    made = patients.to_fhir(ROW | {"mname": "B" if column == "fname" else "", column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column
    assert not value or value not in made.why


@pytest.mark.parametrize(
    "elements",
    [
        {"active": False, "maritalStatus": {"coding": [{"system": MARRIED, "code": "M"}]}},
        {"identifier": [ID, {"system": SSN, "value": "123-45-6789"}]},
        {"extension": [{"url": RACE, "extension": [{"url": "text"}]}]},
        {"extension": [{"url": RACE, "extension": [{"url": "text", "valueString": "white"}]}]},
        {
            "extension": [
                {
                    "url": RACE,
                    "extension": [
                        {"url": "ombCategory", "valueCoding": {"code": "2106-3"}},
                        {"url": "ombCategory", "valueCoding": {"code": "2028-9"}},
                    ],
                }
            ]
        },
    ],
)
def test_what_columns_cannot_hold(elements: dict[str, object]) -> None:
    """An edit without a place in `patient_data` is an error, never a guess."""
    with pytest.raises(MappingError):
        patients.from_fhir(resource(**elements), ROW)


def test_married_in_medplum() -> None:
    """A marital status edited in Medplum is written as the clinic's own code."""
    concept = {"coding": [{"system": MARRIED, "code": "M"}]}
    row = patients.from_fhir(resource(maritalStatus=concept), ROW | {"status": "single"})
    assert "married" == row["status"]


def test_register_is_whole() -> None:
    """Every column of `patient_data` has a line in the register."""
    assert 130 <= len(register(patients))
    assert patients.columns == {entry.column for entry in register(patients)}


@pytest.mark.parametrize(("expected", "active"), [("active", True), ("inactive", False)])
def test_record_state_in_medplum(expected: str, active: bool) -> None:  # noqa: FBT001 because it is a case
    """A record closed or opened in Medplum says so in the status column."""
    assert expected == patients.from_fhir(resource(active=active), ROW)["status"]


def test_sex_learned_in_medplum() -> None:
    """A sex entered in Medplum where the legacy store had none is written, and no longer absent."""
    row = patients.from_fhir(resource(gender="female"), ROW)
    assert "Female" == row["sex"]
    made = patients.to_fhir(row)
    assert isinstance(made, tuple)
    assert "_gender" not in patients.merge(resource(_gender={"extension": []}), made[0])


@pytest.mark.parametrize("provider", [None, 0, "0"])
def test_no_provider(provider: object) -> None:
    """A provider of 0 is none."""
    made = patients.to_fhir(ROW | {"providerID": provider})
    assert isinstance(made, tuple)
    assert "generalPractitioner" not in made[0]
