"""Every row of ten patients against Synthea's own bundles of the same run, fact by fact."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from examples.synthea.elements import MAPPINGS
from medplum_migration.domain.data_element import Resource
from tests.integration.synthea import expected
from tests.integration.synthea.bundles import Bundles
from tests.integration.synthea.conftest import Mapped
from tests.integration.synthea.facts import Keys
from tests.integration.synthea.pairs import pairs
from tests.integration.synthea.tolerances import RULES, Rule, rule_for

pytestmark = pytest.mark.integration

_ELEMENTS = [mapping.element for mapping in MAPPINGS if mapping.element != "payers"]
_TYPES = sorted({m.resource for m in MAPPINGS})
_OWNERS = ("PATIENT", "PATIENTID", "Id")


@pytest.fixture(scope="module")
def told(synthea: Path) -> dict[str, Any]:
    """Read the counts that come with the data."""
    read: dict[str, Any] = json.loads((synthea / "expected.json").read_text())
    return read


@pytest.fixture(scope="module")
def bundles(synthea: Path) -> Bundles:
    """Read the bundles."""
    return Bundles(synthea / "fhir")


@pytest.fixture(scope="module")
def ours(
    mapped: Mapped, rows: dict[str, dict[str, dict[str, Any]]], told: dict[str, Any]
) -> dict[str, list[tuple[str, Resource]]]:
    """Sort what is mapped by type, without the patients who have no bundle, and the payers."""
    found: dict[str, list[tuple[str, Resource]]] = defaultdict(list)
    for element in _ELEMENTS:
        for key, resource in mapped[element]:
            row = rows[element][key]
            if not {row.get(name) for name in _OWNERS} & set(told["patients_without_bundle"]):
                found[resource["resourceType"]].append((key, resource))
    return found


@pytest.fixture(scope="module")
def differences(
    ours: dict[str, list[tuple[str, Resource]]],
    bundles: Bundles,
    rows: dict[str, dict[str, dict[str, Any]]],
) -> dict[str, Counter[str]]:
    """Compare all pairs; count facts that agree, by rule, or by what only one side has."""
    keys = Keys(bundles.resources, {s: t for m in MAPPINGS for s, t in m.systems.items()})
    works_at = {
        f"Practitioner/{key}": f"Organization/{row['ORGANIZATION']}"
        for key, row in rows["practitioner_roles"].items()
    }
    name = "the bundles name the provider's organization"
    employer = Rule(name, r"provider", lambda ours, theirs: works_at[ours] == theirs)
    found: dict[str, Counter[str]] = {}
    for kind, resources in ours.items():
        theirs = bundles.resources[kind]
        if kind == "Location":
            theirs = [place for place in theirs if "managingOrganization" in place]
        found[kind] = Counter()
        for one, other in pairs(kind, resources, theirs, keys):
            for path in one.keys() | other.keys():
                found[kind][_judge(path, one, other, (*RULES, employer))] += 1
    return found


def _judge(path: str, ours: dict[str, Any], theirs: dict[str, Any], rules: tuple[Rule, ...]) -> str:
    place = re.sub(r"\[\d+\]", "", path)
    top = re.match(r"(extension|identifier)?(\[[^]]*\])?\w*", place)
    assert top
    if path not in ours or ours[path] is None:
        return f"bundles only: {top[0]}" if theirs.get(path) is not None else "same"
    if path not in theirs or theirs[path] is None:
        return f"files only: {top[0]}"
    if ours[path] == theirs[path]:
        return "same"
    return rule_for(rules, path, ours[path], theirs[path]) or f"DIFFERENT {place}"


@pytest.mark.parametrize("kind", sorted(expected.DIFFERENCES))
def test_facts(kind: str, differences: dict[str, Counter[str]]) -> None:
    """All facts of a type agree but those that a named rule, or its absence, accounts for."""
    assert expected.DIFFERENCES[kind] == dict(differences[kind])


def test_every_type_is_compared(differences: dict[str, Counter[str]]) -> None:
    """No type of the bundles is left out but those that no file holds."""
    assert set(expected.DIFFERENCES) == set(differences)


def test_rewritten(bundles: Bundles) -> None:
    """What the bundles say by reference or code, and the files in words, is counted."""
    assert expected.REWRITTEN == dict(bundles.rewritten)


def test_counts(
    ours: dict[str, list[tuple[str, Resource]]], bundles: Bundles, told: dict[str, Any]
) -> None:
    """Each type has as many resources as the bundles; types without a file are named."""
    made = {kind: len(resources) for kind, resources in ours.items()}
    made["Observation.component"] = sum(len(o.get("component", ())) for _, o in ours["Observation"])
    totals = told["fhir_totals"]
    assert {"Location": 1} == {
        kind: totals[kind] - number for kind, number in made.items() if totals[kind] != number
    }
    assert expected.WITHOUT_FILE == {k: n for k, n in totals.items() if k not in made}
    assert bundles.resources.keys() == {k for k in totals if "." not in k}
