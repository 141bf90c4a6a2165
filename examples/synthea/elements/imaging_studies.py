"""Imaging studies: `imaging_studies.csv` to ImagingStudy with one series of one instance."""

import re
from typing import Any

from examples.synthea.elements.encounters import encounters
from examples.synthea.elements.patients import patients
from examples.synthea.elements.synthea import (
    ONE_WAY,
    SNOMED,
    Needed,
    NeededInstant,
    coding,
    id_system,
)
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Constant, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_UID = re.compile(r"[0-2](\.(0|[1-9]\d*)){2,30}", re.ASCII)


class ImagingStudyRow(LegacyRow):
    """The columns that are read."""

    Id: Needed
    DATE: NeededInstant
    PATIENT: Needed
    ENCOUNTER: Text
    SERIES_UID: Needed
    MODALITY_CODE: Needed
    MODALITY_DESCRIPTION: Text
    BODYSITE_CODE: Needed
    BODYSITE_DESCRIPTION: Text
    INSTANCE_UID: Needed
    SOP_CODE: Needed
    SOP_DESCRIPTION: Text
    PROCEDURE_CODE: Text


def _uid(value: str, column: str) -> str:
    return value if _UID.fullmatch(value) else refuse("no DICOM UID", column=column)


def _one(system: str, code: str, description: str | None) -> dict[str, str]:
    made: dict[str, str] = coding(system, code, description)["coding"][0]
    return made


def _series(  # noqa: PLR0913, PLR0917 because they are the columns of one series
    uid: str,
    modality: str,
    modality_description: str | None,
    site: str,
    site_description: str | None,
    instance: str,
    sop: str,
    sop_description: str | None,
) -> list[dict[str, Any]]:
    made = {
        "uid": _uid(instance, "INSTANCE_UID"),
        "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{_uid(sop, 'SOP_CODE')}"},
    } | ({"title": sop_description} if sop_description else {})
    series = {
        "uid": _uid(uid, "SERIES_UID"),
        "modality": _one(_DICOM, modality, modality_description),
        "bodySite": _one(SNOMED, site, site_description),
        "instance": [made],
    }
    return [series]


def _procedure(code: str) -> list[dict[str, Any]]:
    return [coding(SNOMED, code, None)]


class ImagingStudyMapping(Mapping[ImagingStudyRow]):
    """One row is one study: Synthea takes a single picture."""

    element, resource = "imaging_studies", "ImagingStudy"
    row = ImagingStudyRow
    table, key, system = "imaging_studies", "Id", id_system("imaging_studies")
    one_way = ONE_WAY
    fields = (
        Constant("status", "available"),
        Field("DATE", "started"),
        Reference("PATIENT", "subject", to=patients),
        Reference("ENCOUNTER", "encounter", to=encounters),
        Field("PROCEDURE_CODE", "procedureCode", _procedure),
        Field(
            (
                *("SERIES_UID", "MODALITY_CODE", "MODALITY_DESCRIPTION", "BODYSITE_CODE"),
                *("BODYSITE_DESCRIPTION", "INSTANCE_UID", "SOP_CODE", "SOP_DESCRIPTION"),
            ),
            "series",
            _series,
        ),
    )


imaging_studies = ImagingStudyMapping()
