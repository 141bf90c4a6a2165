"""Codes in one text column, as OpenEMR writes them: `ICD10:I10;SNOMED-CT:38341003`."""

import re
from typing import Any

from data_elements.clinic import LEGACY
from medplum_migration.mapping.field import refuse

LOCAL = f"{LEGACY}/coded-text"
"""System of entries whose prefix names no known code system; the code is the whole entry."""

SYSTEMS = {
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "ICD10": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD9": "http://hl7.org/fhir/sid/icd-9-cm",
    "LOINC": "http://loinc.org",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "SNOMED-CT": "http://snomed.info/sct",
}
_PREFIXES = {system: prefix for prefix, system in SYSTEMS.items()}
_CODE = re.compile(r"[^\s;]+( [^\s;]+)*")


def codings(text: str) -> list[dict[str, str]]:
    """Make a coding of each entry, in their order."""
    return [_coding(entry) for entry in text.split(";")]


def coded_text(codings: list[dict[str, Any]]) -> str | None:
    """Write codings as one text; None for no codings."""
    return ";".join(_entry(coding) for coding in codings) or None


def _coding(entry: str) -> dict[str, str]:
    if not _CODE.fullmatch(entry):
        refuse("not a list of codes with a prefix each")
    prefix, _, code = entry.partition(":")
    if prefix in SYSTEMS and _CODE.fullmatch(code):
        return {"system": SYSTEMS[prefix], "code": code}
    return {"system": LOCAL, "code": entry}


def _entry(coding: dict[str, Any]) -> str:
    system, code = coding.get("system", ""), coding.get("code")
    if not isinstance(code, str) or (system != LOCAL and system not in _PREFIXES):
        refuse("a code of a system that has no prefix")
    entry = code if system == LOCAL else f"{_PREFIXES[system]}:{code}"
    if _coding(entry)["system"] != system:
        refuse("a code that reads as one of another system")
    return entry
