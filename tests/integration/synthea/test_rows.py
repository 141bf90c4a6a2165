"""Every row of all files maps to valid resources, and every column has its place or a reason."""

from collections import Counter
from typing import Any

import pytest

from examples.synthea.elements import MAPPINGS
from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.fhir import us_core
from medplum_migration.mapping import law
from medplum_migration.mapping.mapping import Mapping
from tests.integration.synthea.conftest import Mapped

pytestmark = pytest.mark.integration

LAWS = (law.valid, law.owned, law.sequence, law.identity)
COUNTS = {
    "organizations": 47,
    "locations": 47,
    "payers": 9,
    "practitioners": 47,
    "practitioner_roles": 47,
    "patients": 11,
    "encounters": 388,
    "conditions": 273,
    "allergies": 14,
    "medications": 173,
    "observations": 1644,
    "observation_panels": 158,
    "procedures": 889,
    "immunizations": 129,
    "careplans": 37,
    "imaging_studies": 11,
    "devices": 11,
    "supplies": 47,
    "claims": 561,
}


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: mapping.element)
def test_laws(mapping: Mapping[Any], rows: dict[str, dict[str, dict[str, Any]]]) -> None:
    """The laws that speak of a row and its resources hold on all rows; none is quarantined."""
    for check in LAWS:
        mapped = sum(check(mapping, row, row) for row in rows[mapping.element].values())
        assert COUNTS[mapping.element] == mapped


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: mapping.element)
def test_columns(mapping: Mapping[Any], store: SqlLegacyStore) -> None:
    """Every column has a disposition, and there is none for a column that is not there."""
    assert store.columns(mapping.element) == mapping.columns


def test_us_core(mapped: Mapped) -> None:
    """What is mapped keeps to US Core 6.1.0, but for pulse oximetry without its second code."""
    faults = Counter(
        (element, _fault(resource)) for element, held in mapped.items() for _, resource in held
    )
    found = {element: n for (element, fault), n in faults.items() if fault}
    assert {"observations": 2} == found


def _fault(resource: Resource) -> str:
    try:
        us_core.check(resource, "6.1.0")
    except InvalidResourceError as error:
        return error.path
    return ""
