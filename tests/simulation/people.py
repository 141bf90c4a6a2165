"""Made-up elements of the simulation: people, visits that refer to them, forms of several parts."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.part import Part
from medplum_migration.mapping.reference import Reference
from medplum_migration.simulation.scenario import Commit
from tests.world import PersonMapping

PEOPLE = PersonMapping()


class VisitRow(BaseModel):
    """A visit of one person."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    visit: int
    person: int | None
    reason: str | None


class VisitMapping(Mapping[VisitRow]):
    """Visits refer to people."""

    element, resource, row = "visits", "Encounter", VisitRow
    table, key, system = "visits", "visit", "urn:visits"
    fields = (Reference("person", "subject", to=PEOPLE), Field("reason", "language"))


class FormRow(BaseModel):
    """A form with two measurements."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    form: int
    weight: str | None
    pulse: str | None


class FormMapping(Mapping[FormRow]):
    """Forms give up to two resources."""

    element, resource, row = "forms", "Observation", FormRow
    table, key, system = "forms", "form", "urn:forms"
    fields = ()
    parts = (
        Part("weight", Field("weight", "valueString")),
        Part("pulse", Field("pulse", "valueString")),
    )


VISITS, FORMS = VisitMapping(), FormMapping()


def person(surname: str | None, event: str = "thin", key: str = "1") -> Commit:
    """Commit a person, or its deletion."""
    row: dict[str, Any] = {"number": int(key), "surname": surname}
    return Commit("people", key, None if surname is None else row, event)


def visit(reason: str | None, event: str = "thin", *, of: int = 1) -> Commit:
    """Commit a visit, or its deletion."""
    row = {"visit": 1, "person": of, "reason": reason}
    return Commit("visits", "1", None if reason is None else row, event)


def form(weight: str | None, pulse: str | None, event: str = "thin") -> Commit:
    """Commit a form."""
    return Commit("forms", "1", {"form": 1, "weight": weight, "pulse": pulse}, event)
