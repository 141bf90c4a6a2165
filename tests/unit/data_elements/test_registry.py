"""What a fork registers: in load order, without heavy libraries."""

import subprocess
import sys

from data_elements import MAPPINGS


def test_registered() -> None:
    """Each element stands once, under its plural name."""
    assert ["patients"] == [mapping.element for mapping in MAPPINGS]


def test_import_is_light() -> None:
    """Importing the mappings loads no FHIR models, HTTP client, SQL or AWS library."""
    heavy = ("fhir.resources", "httpx", "sqlalchemy", "boto3", "hypothesis")
    script = f"import data_elements, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(  # noqa: S603 because the script is fixed
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.strip()
