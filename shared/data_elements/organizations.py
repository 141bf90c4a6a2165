"""Organizations: OpenEMR `facility` to Organization."""

from data_elements.clinic import LEGACY
from medplum_migration.mapping.columns import LegacyRow
from medplum_migration.mapping.mapping import Mapping


class OrganizationRow(LegacyRow):
    """The columns of `facility` that are read."""

    id: int


class OrganizationMapping(Mapping[OrganizationRow]):
    """Both directions of one record."""

    element, resource = "organizations", "Organization"
    row = OrganizationRow
    table, key, system = "facility", "id", f"{LEGACY}/id/facility"
    fields = ()


organizations = OrganizationMapping()
