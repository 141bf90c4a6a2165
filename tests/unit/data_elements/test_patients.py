"""Patients: the laws, with the codes and traps of `patient_data` as edges."""

from pathlib import Path

from data_elements.patients import patients
from medplum_migration.mapping import laws
from medplum_migration.mapping.strategies import Edges

GOLDENS = Path(__file__).parent / "goldens"


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
