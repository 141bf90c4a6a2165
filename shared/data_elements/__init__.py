"""Fork-owned: one module per data element type."""

from typing import Any

from data_elements.allergies import allergies
from data_elements.appointments import appointments
from data_elements.care_teams import care_teams
from data_elements.coverages import coverages
from data_elements.documents import documents
from data_elements.encounters import encounters
from data_elements.immunizations import immunizations
from data_elements.lab_orders import lab_orders
from data_elements.lab_reports import lab_reports
from data_elements.lab_results import lab_results
from data_elements.locations import locations
from data_elements.medications import medications
from data_elements.organizations import organizations
from data_elements.patients import patients
from data_elements.payers import payers
from data_elements.practitioner_roles import practitioner_roles
from data_elements.practitioners import practitioners
from data_elements.prescriptions import prescriptions
from data_elements.problems import problems
from data_elements.vitals import vitals
from medplum_migration.mapping.mapping import Mapping

MAPPINGS: tuple[Mapping[Any], ...] = (
    *(organizations, payers, locations, practitioners, practitioner_roles),
    *(patients, coverages, encounters, appointments, care_teams),
    *(problems, allergies, prescriptions, medications, immunizations),
    *(vitals, lab_orders, lab_results, lab_reports, documents),
)
"""What is migrated; the engine sorts it so that each element stands after its parents."""
