"""Profile checks of US Core: what a version demands beyond FHIR R4.

Takes a resource that is valid R4 and finds the profile by type, category and code, whatever
`meta.profile` says. An element whose `data-absent-reason` says that it is not known is there
(https://hl7.org/fhir/us/core/general-requirements.html).
"""

from collections.abc import Iterator
from typing import Any

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import ConfigurationError, InvalidResourceError
from medplum_migration.fhir import us_core_rules
from medplum_migration.fhir.presence import has, is_absent, spellings
from medplum_migration.fhir.us_core_observations import faults, kind
from medplum_migration.fhir.us_core_versions import VERSIONS, in_force

__all__ = ["VERSIONS", "check"]

_DELETED = "deleted-in-source"

_REQUIRED: dict[str, str] = {
    "AllergyIntolerance": "code patient",
    "Condition": "category code subject",
    "Coverage": "status beneficiary relationship>=6.1.0 payor",
    "DiagnosticReport": "status category code subject",
    "DocumentReference": "status type category subject",
    "Encounter": "status class type subject",
    "Immunization": "status vaccineCode patient occurrence[x] primarySource<6.1.0",
    "Location": "name",
    "MedicationRequest": "status intent medication[x] subject requester<6.1.0",
    "Observation": "status code",
    "Observation of laboratory": "category subject",
    "Observation of vital-signs": "category subject effective[x]",
    "Organization": "active name",
    "Patient": "identifier identifier.system identifier.value name gender<8.0.0 telecom.system"
    " telecom.value communication.language link.other link.type",
    "Practitioner": "identifier identifier.system identifier.value name name.family",
    "PractitionerRole": "telecom.system telecom.value",
    "Procedure": "status code subject",
    "Provenance": "target recorded agent agent.who",
    "RelatedPerson": "active patient",
}
"""Elements by type; `<6.1.0` and `>=6.1.0` bound the versions that demand one."""


def check(resource: Resource, version: str) -> None:
    """Check a resource against its profile; one that is deleted in the source has none.

    Raises:
        InvalidResourceError: with the FHIR path and what is wrong there.
        ConfigurationError: the version is none of `VERSIONS`.

    """
    if version not in VERSIONS:
        message = "unknown US Core version"
        raise ConfigurationError(message, known=", ".join(VERSIONS))
    tags = resource.get("meta", {}).get("tag", ())
    if any(tag.get("code") == _DELETED for tag in tags):
        return
    for path, reason in _faults(resource, version):
        raise InvalidResourceError(path=path, reason=f"US Core {version}: {reason}")


def _faults(resource: Resource, version: str) -> Iterator[tuple[str, str]]:
    resource_type = str(resource.get("resourceType"))
    profiles = [resource_type]
    if resource_type == "Observation":
        profiles.append(f"Observation of {kind(resource)}")
    for path in (path for name in profiles for path in _REQUIRED.get(name, "").split()):
        name, within = in_force(path, version)
        if within:
            yield from ((missing, "must be there") for missing in _missing(resource, name))
    yield from us_core_rules.broken(resource_type, resource, version)
    if resource_type == "Observation":
        yield from faults(resource, version)


def _missing(node: dict[str, Any], path: str) -> Iterator[str]:
    """Find where an element lacks; below elements that are not there, nothing lacks."""
    name, _, rest = path.partition(".")
    if not rest:
        if not has(node, name):
            yield name
        return
    for key in spellings(node, name):
        held = node[key]
        for number, item in enumerate(held if isinstance(held, list) else [held]):
            where = f"{key}[{number}]" if isinstance(held, list) else key
            if not is_absent(item):
                yield from (f"{where}.{below}" for below in _missing(item, rest))
