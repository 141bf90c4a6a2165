"""Code tables: one reviewed CSV is the forward map, the inverse, and a FHIR ConceptMap.

Columns: `legacy,code,system,display,relationship,canonical`. Where several legacy codes share a
code, `canonical=y` picks the one that the way back writes. Files are read at first use.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from importlib import resources
from typing import Any, NoReturn, Self

from medplum_migration.mapping.field import refuse

HEADER = ("legacy", "code", "system", "display", "relationship", "canonical")
RELATIONSHIPS = frozenset(
    ("equivalent", "equal", "wider", "narrower", "inexact", "relatedto", "subsumes", "specializes")
)
_CODE = re.compile(r"\S+( \S+)*")


@dataclass(frozen=True, slots=True)
class Code:
    """One line of a code table."""

    legacy: str
    code: str
    system: str
    display: str
    relationship: str
    _: KW_ONLY
    canonical: bool

    def coding(self) -> dict[str, str]:
        """Render as a FHIR Coding."""
        return {"system": self.system, "code": self.code, "display": self.display}


class Codes:
    """A code table; `local` is the system of the legacy codes, kept beside the standard ones."""

    def __init__(self, name: str, read: Callable[[], str], *, local: str = "") -> None:
        self.name, self.local, self._read = name, local, read

    @classmethod
    def packaged(cls, package: str, path: str, *, local: str = "") -> Self:
        """Name a CSV file inside a package."""
        return cls(path, lambda: resources.files(package).joinpath(path).read_text(), local=local)

    @cached_property
    def rows(self) -> tuple[Code, ...]:
        """The lines of the table.

        Raises:
            ValueError: the table contradicts itself; names the table and the line.

        """
        lines = list(csv.reader(io.StringIO(self._read())))
        if not lines or tuple(lines[0]) != HEADER:
            self._refuse(1, f"the header must be {','.join(HEADER)}")
        return tuple(self._code(number, line) for number, line in enumerate(lines[1:], 2))

    def _code(self, number: int, line: list[str]) -> Code:
        if len(line) != len(HEADER) or not all(line[:3]):
            self._refuse(number, "a cell is missing")
        if line[4] not in RELATIONSHIPS:
            self._refuse(number, "no relationship of FHIR concept maps")
        legacy, code, system, display, relationship, canonical = line
        return Code(legacy, code, system, display, relationship, canonical=canonical == "y")

    def _refuse(self, number: int, why: str) -> NoReturn:
        message = f"code table {self.name}, line {number}: {why}"
        raise ValueError(message)

    @cached_property
    def forward(self) -> dict[str, Code]:
        """Line by legacy code; raises ValueError when one stands twice."""
        found = {row.legacy: row for row in self.rows}
        if len(found) < len(self.rows):
            self._refuse(len(self.rows) + 1, "a legacy code stands twice, there or above")
        return found

    @cached_property
    def inverse(self) -> dict[str, str]:
        """Legacy code by code, the canonical one where several share it.

        Raises:
            ValueError: several share a code and not exactly one is canonical.

        """
        shared = Counter(row.code for row in self.rows)
        chosen = [row for row in self.rows if row.canonical or shared[row.code] == 1]
        found = {row.code: row.legacy for row in chosen}
        if not len(shared) == len(found) == len(chosen):
            self._refuse(2, "codes that share a target need one canonical=y, here or below")
        return found

    @cached_property
    def lossy(self) -> bool:
        """Whether several legacy codes share a code."""
        return len(self.inverse) < len(self.rows)

    def decode(self, legacy: str) -> str:
        """Translate a legacy code to a FHIR code."""
        found = self.forward.get(legacy)
        if found is None:
            refuse(f"not in the code table {self.name}")
        return found.code

    def encode(self, code: object) -> str:
        """Translate a FHIR code to a legacy code."""
        found = self.inverse.get(code) if isinstance(code, str) else None
        if found is None:
            refuse(f"no legacy code for it in the code table {self.name}")
        return found

    def decode_concept(self, legacy: str) -> dict[str, Any]:
        """Make a CodeableConcept: standard code where reviewed, local code, local text."""
        known = self.forward.get(legacy)
        codings = [known.coding()] if known else []
        if _CODE.fullmatch(legacy):
            codings.append({"system": self.local, "code": legacy})
        text = known.display if known else legacy
        return {"coding": codings, "text": text} if codings else {"text": text}

    def encode_concept(self, concept: dict[str, Any]) -> str:
        """Find the legacy code of a CodeableConcept.

        The local code counts unless the standard code beside it says something else; text counts
        when there is no code at all.
        """
        codings = concept.get("coding", [])
        standard = [c.get("code") for c in codings if c.get("system") in self._systems]
        for legacy in (c.get("code") for c in codings if c.get("system") == self.local):
            known = self.forward.get(legacy)
            if standard == ([known.code] if known else []):
                return str(legacy)
        if standard or codings:
            return self.encode(standard[0] if len(standard) == 1 else None)
        text = concept.get("text")
        if not isinstance(text, str) or text in self.forward or _CODE.fullmatch(text):
            refuse(f"neither a code nor text that the code table {self.name} knows")
        return text

    @cached_property
    def _systems(self) -> frozenset[str]:
        return frozenset(row.system for row in self.rows)

    def concept_map(self, url: str) -> dict[str, Any]:
        """Render as a FHIR ConceptMap (https://hl7.org/fhir/R4/conceptmap.html)."""
        systems = sorted({row.system for row in self.rows})
        return {
            "resourceType": "ConceptMap",
            "url": url,
            "status": "active",
            "group": [self._group(system) for system in systems],
        }

    def _group(self, system: str) -> dict[str, Any]:
        rows = sorted((r for r in self.rows if r.system == system), key=lambda r: r.legacy)
        source = {"source": self.local} if self.local else {}
        elements = [{"code": row.legacy, "target": [_target(row)]} for row in rows]
        return source | {"target": system, "element": elements}


def _target(row: Code) -> dict[str, str]:
    return {"code": row.code, "display": row.display, "equivalence": row.relationship}
