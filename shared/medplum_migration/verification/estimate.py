"""What a first load costs: a sample of records in; quota points, time and AWS's price out.

Everything but the number of records is an estimate. Points are Medplum's
(https://www.medplum.com/docs/rate-limits): a conditional create 120, a search 20 for up to a
hundred identifiers. AWS's prices, with their date, and what a record uses stand in
`aws_prices.json`.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.mapping.mapping import Mapping as ElementMapping
from medplum_migration.mapping.mapping import Quarantine

DEFAULT_QUOTA = 50_000
"""Points a minute that a client of Medplum has by default."""

POINTS_PER_CREATE, POINTS_PER_SEARCH, SEARCHED_AT_ONCE = 120, 20, 100
_UNIT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """What some records map to; `resources` and `references` are per record read."""

    records: int = 0
    quarantined: int = 0
    resources: float = 0
    references: float = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the first load of an element takes."""

    records: int
    sample: Sample
    identifiers: int

    @property
    def resources(self) -> int:
        """Resources that will be created."""
        return round(self.records * self.sample.resources)

    @property
    def points(self) -> int:
        """Points of Medplum's quota: creates, searches by identifier, look-ups of references."""
        own, others = self.identifiers, self.sample.references
        searches = sum(math.ceil(self.records * n / SEARCHED_AT_ONCE) for n in (own, others))
        return self.resources * POINTS_PER_CREATE + searches * POINTS_PER_SEARCH

    @property
    def price(self) -> float:
        """AWS's price in the currency of `prices()`."""
        told = prices()
        uses, held, worker = told["per_record"], told["manifest_bytes"], told["lambda"]
        size = held["per_record"] + held["per_resource"] * self.sample.resources
        writes = uses["dynamodb_write_units"] + math.ceil(size / _UNIT_BYTES)
        seconds = worker["seconds_per_resource"] * self.resources
        return float(
            told["prices"]["sqs_request"] * uses["sqs_requests"] * self.records
            + told["prices"]["dynamodb_read_unit"] * uses["dynamodb_read_units"] * self.records
            + told["prices"]["dynamodb_write_unit"] * writes * self.records
            + told["prices"]["lambda_gb_second"] * worker["gigabytes"] * seconds
        )

    def seconds(self, quota: int) -> float:
        """How long the load takes when nothing but a quota of points a minute holds it up."""
        return self.points * 60 / quota


def take(mapping: ElementMapping[Any], records: Iterable[LegacyRecord]) -> Sample:
    """Map records, and count what they give."""
    read = quarantined = made = references = 0
    for record in records:
        read += 1
        mapped = mapping.to_fhir(dict(record.row or {}))
        if isinstance(mapped, Quarantine):
            quarantined += 1
            continue
        made += len(mapped)
        references += len({reference for one in mapped for reference in _conditional(one)})
    if not read:
        return Sample()
    return Sample(read, quarantined, made / read, references / read)


def estimate(mapping: ElementMapping[Any], *, records: int, sample: Sample) -> Estimate:
    """Extend a sample to all records of an element."""
    return Estimate(records, sample, len(mapping.declaration.shapes))


@cache
def prices() -> Mapping[str, Any]:
    """AWS's prices, and what a record uses: `aws_prices.json`."""
    text = resources.files(__package__).joinpath("aws_prices.json").read_text()
    told: Mapping[str, Any] = json.loads(text)
    return told


def _conditional(node: Any) -> Iterator[str]:  # noqa: ANN401 because FHIR values are JSON
    """List the references of a resource that must be looked up."""
    if isinstance(node, dict):
        reference = node.get("reference")
        if isinstance(reference, str) and "?" in reference:
            yield reference
        node = list(node.values())
    for inner in node if isinstance(node, list) else ():
        yield from _conditional(inner)
