"""Practitioners: OpenEMR `users` to Practitioner."""

from data_elements.clinic import LEGACY
from medplum_migration.mapping.columns import LegacyRow
from medplum_migration.mapping.mapping import Mapping


class PractitionerRow(LegacyRow):
    """The columns of `users` that are read."""

    id: int


class PractitionerMapping(Mapping[PractitionerRow]):
    """Both directions of one record."""

    element, resource = "practitioners", "Practitioner"
    row = PractitionerRow
    table, key, system = "users", "id", f"{LEGACY}/id/users"
    fields = ()


practitioners = PractitionerMapping()
