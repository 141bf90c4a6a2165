"""What a fork registers: in load order, without heavy libraries."""

import subprocess
import sys
from pathlib import Path

import data_elements
from data_elements import MAPPINGS
from medplum_migration.runtime.registry import elements

FOLDER = Path(data_elements.__file__).parent


def test_registered() -> None:
    """Every module that declares an element is registered, in an order that the engine keeps."""
    declared = {
        path.stem
        for path in FOLDER.glob("*.py")
        if f"\n{path.stem} = " in path.read_text(encoding="utf-8")
    }
    listed = [mapping.element for mapping in MAPPINGS]
    assert declared == set(listed)
    assert listed == list(elements("data_elements"))


def test_import_is_light() -> None:
    """Importing the mappings loads no FHIR models, HTTP client, SQL or AWS library."""
    heavy = ("fhir.resources", "httpx", "sqlalchemy", "boto3", "hypothesis")
    script = f"import data_elements, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(  # noqa: S603 because the script is fixed
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.strip()
