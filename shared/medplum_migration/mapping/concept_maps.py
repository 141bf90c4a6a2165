"""Code tables as FHIR: mappings in, a Bundle with a ConceptMap per table out.

https://hl7.org/fhir/R4/conceptmap.html
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.fhir.strict import validate
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.digest import code_tables
from medplum_migration.mapping.mapping import Mapping

_NEEDS_COMMENT = frozenset(("narrower", "inexact"))


def concept_maps(mappings: Iterable[Mapping[Any]], base: str) -> Resource:
    """Render the code tables of mappings as a Bundle of type collection; `base` begins each URL.

    Raises:
        ConfigurationError: two tables would get one URL.
        InvalidResourceError: a table holds what FHIR does not allow.

    """
    tables: dict[str, Codes] = {}
    for table in (table for mapping in mappings for table in code_tables(mapping)):
        url = f"{base.rstrip('/')}/ConceptMap/{_name(table)}"
        if tables.setdefault(url, table).rows != table.rows:
            reason = "two code tables have the same file name"
            raise ConfigurationError(reason, table=table.name)
    entries = [{"fullUrl": url, "resource": _map(tables[url], url)} for url in sorted(tables)]
    bundle = {"resourceType": "Bundle", "type": "collection"} | (
        {"entry": entries} if entries else {}
    )
    validate(bundle)
    return bundle


def _name(table: Codes) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", PurePosixPath(table.name).stem)


def _map(table: Codes, url: str) -> Resource:
    made = table.concept_map(url) | {"title": f"Code table {table.name}"}
    elements = (element for group in made["group"] for element in group["element"])
    for target in (target for element in elements for target in element["target"]):
        if not target["display"]:
            del target["display"]
        if target["equivalence"] in _NEEDS_COMMENT:  # cmd-1
            target["comment"] = f"as reviewed in {table.name}"
    return made
