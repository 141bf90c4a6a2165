"""Encounters: OpenEMR `form_encounter` to Encounter."""

from data_elements.clinic import LEGACY
from medplum_migration.mapping.columns import LegacyRow
from medplum_migration.mapping.mapping import Mapping


class EncounterRow(LegacyRow):
    """The columns of `form_encounter` that are read."""

    encounter: int


class EncounterMapping(Mapping[EncounterRow]):
    """Both directions of one record."""

    element, resource = "encounters", "Encounter"
    row = EncounterRow
    table, key, system = "form_encounter", "encounter", f"{LEGACY}/id/form_encounter"
    fields = ()


encounters = EncounterMapping()
