"""A data element type as the engine sees it: its state, its resources, its legacy records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict

from medplum_migration.domain.phase import Phase

Resource: TypeAlias = dict[str, Any]
"""A FHIR resource as JSON; this dict, not a model of it, is what is sent and hashed."""


class ElementState(BaseModel):
    """Control-table state of one data element type; `revision` guards its compare-and-set."""

    model_config = ConfigDict(frozen=True)

    element: str
    phase: Phase = Phase.OFF
    epoch: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class LegacyRecord:
    """A record with its version, read in one snapshot; `row` is None when it is deleted."""

    key: str
    version: int
    row: Mapping[str, Any] | None
