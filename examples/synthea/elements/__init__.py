"""The data elements of Synthea's CSV files, in the order they are loaded."""

from typing import Any

from examples.synthea.elements.allergies import allergies
from examples.synthea.elements.careplans import careplans
from examples.synthea.elements.claims import claims
from examples.synthea.elements.conditions import conditions
from examples.synthea.elements.devices import devices
from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.imaging_studies import imaging_studies
from examples.synthea.elements.immunizations import immunizations
from examples.synthea.elements.locations import locations
from examples.synthea.elements.medications import medications
from examples.synthea.elements.observation_panels import observation_panels
from examples.synthea.elements.observations import observations
from examples.synthea.elements.organizations import organizations
from examples.synthea.elements.patients import patients
from examples.synthea.elements.payers import payers
from examples.synthea.elements.practitioner_roles import practitioner_roles
from examples.synthea.elements.practitioners import practitioners
from examples.synthea.elements.procedures import procedures
from examples.synthea.elements.supplies import supplies
from medplum_migration.mapping.mapping import Mapping

MAPPINGS: tuple[Mapping[Any], ...] = (
    organizations,
    locations,
    payers,
    practitioners,
    practitioner_roles,
    patients,
    encounters,
    conditions,
    allergies,
    medications,
    observations,
    observation_panels,
    procedures,
    immunizations,
    careplans,
    imaging_studies,
    devices,
    supplies,
    claims,
)
"""What is migrated; what a mapping refers to stands before it."""
