"""Synthea's bundles, and what they say by reference or code where the files say it in words.

Each rewriting brings a resource of the bundles into the form that the files allow, and is counted.
"""

import json
import lzma
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, TypeAlias

Resource: TypeAlias = dict[str, Any]


class Bundles:
    """All resources by type, rewritten; `rewritten` counts by rule."""

    def __init__(self, folder: Path) -> None:
        self.resources: dict[str, list[Resource]] = defaultdict(list)
        self.rewritten: Counter[str] = Counter()
        for path in sorted(folder.glob("*.json.xz")):
            for entry in json.loads(lzma.decompress(path.read_bytes()))["entry"]:
                resource = entry["resource"]
                self.resources[resource["resourceType"]].append(resource)
        self._codes = {
            f"urn:uuid:{resource['id']}": resource["code"]
            for kind in ("Condition", "Medication")
            for resource in self.resources[kind]
        }
        for resource in [r for resources in self.resources.values() for r in resources]:
            self._put_in_words(resource)
            self._put_in_codes(resource)

    def _put_in_words(self, resource: Resource) -> None:
        for node in (resource, *resource.get("component", ())):
            if "valueCodeableConcept" in node:
                node["valueString"] = node.pop("valueCodeableConcept")["text"]
                self.rewritten["an answer is text in the files"] += 1
        for addressed in resource.get("addresses", ()):
            addressed["display"] = self._codes[addressed.pop("reference")]["text"]
            self.rewritten["a plan points at a Condition"] += 1
        for extension in resource.get("extension", ()):
            if extension["url"].endswith("birthPlace"):
                place = extension["valueAddress"]
                words = "  ".join(place.pop(name) for name in ("city", "state", "country"))
                place["text"] = words
                self.rewritten["a place of birth is one text in the files"] += 1

    def _put_in_codes(self, resource: Resource) -> None:
        if "medicationReference" in resource:
            drug = resource.pop("medicationReference")["reference"]
            resource["medicationCodeableConcept"] = self._codes[drug]
            self.rewritten["an order points at a Medication"] += 1
        for reason in resource.pop("reasonReference", ()):
            resource.setdefault("reasonCode", []).append(self._codes[reason["reference"]])
            self.rewritten["a reason points at a Condition"] += 1
        for diagnosis in (
            resource.get("diagnosis", ()) if resource["resourceType"] == "Claim" else ()
        ):
            named = diagnosis.pop("diagnosisReference")["reference"]
            diagnosis["diagnosisCodeableConcept"] = self._codes[named]
            self.rewritten["a diagnosis points at a Condition"] += 1
