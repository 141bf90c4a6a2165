"""National provider identifiers, which people and organizations have."""

import re

from medplum_migration.fhir.us_core_rules import is_npi
from medplum_migration.mapping.field import Pair, refuse

NPI_SYSTEM = "http://hl7.org/fhir/sid/us-npi"


def _checked(value: str) -> str:
    if not re.fullmatch(r"\d{10}", value, re.ASCII) or not is_npi(value):
        refuse("not ten digits with a right check digit")
    return value


NPI = Pair(_checked, _checked)
"""A text column to the value of an identifier; a wrong check digit is unmappable."""
